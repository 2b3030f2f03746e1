// A healthy installation in the emulated API server, as an operator finds it: with the rights of the manifests, and a
// server that answers what pods hold. The objects have ages, which the emulator's clock gives them.
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { TestContext } from "node:test";
import type { PolicyRule } from "../../../emulators/kubernetes/access.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { readCertificates } from "../../../src/pki/bundle.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import type { StatePage, TrustSlot, TrustState } from "../../../src/protocol/state/model.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, systemClock } from "../../../src/runtime/clock.ts";
import { readManifest } from "../../files.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { base64, CA, createInstalledObjects, ownConfiguration } from "../../operations/check/healthy.ts";
import { examplePage } from "../../protocol/state/pages.ts";
import { type OperatorCluster, startOperatorCluster } from "./operator-cluster.ts";

type Store = OperatorCluster["store"];

/** The installation, and what changes it. */
export interface SituationCluster extends OperatorCluster {
  /** Runs `change` as long ago as `ageMs` says, so that the objects that it creates have this age. */
  readonly ago: (ageMs: number, change: () => void) => void;
  /** What the server answers about its state. */
  readonly state: { -readonly [Field in keyof StatePage]: StatePage[Field] };
}

/** Returns the time `ageMs` ago as Kubernetes writes it. */
export function timeAgo(ageMs: number): string {
  return `${new Date(Date.now() - ageMs).toISOString().slice(0, 19)}Z`;
}

/** Adds what the API server keeps about a label that kubectl has set. */
export function labelledAgo(ageMs: number): object {
  const fieldsV1 = { "f:metadata": { "f:labels": { ".": {}, "f:podrole.io/inject": {} } } };
  return { managedFields: [{ manager: "kubectl-label", operation: "Update", time: timeAgo(ageMs), fieldsV1 }] };
}

const AGES = { installed: 10 * DAY_MS, labelled: 9 * DAY_MS };

/** Starts the installation; it is closed when the test has ended. */
export async function startSituationCluster(context: TestContext): Promise<SituationCluster> {
  let shiftMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() - shiftMs };
  const cluster = await startOperatorCluster(context, { clock });
  const ago = (ageMs: number, change: () => void) => {
    shiftMs = ageMs;
    change();
    shiftMs = 0;
  };
  ago(AGES.installed, () => installObjects(cluster));
  const shop = cluster.store.get("namespaces", undefined, "shop");
  assert.ok(shop);
  const metadata = { ...shop.metadata, ...labelledAgo(AGES.labelled) };
  cluster.store.replace("namespaces", { ...shop, metadata });
  const trust = trustOf(trustSlot("current", CA, AGES.installed));
  const state = { ...examplePage("podrole-server-1", { pods: [] }), refusals: NO_REFUSALS, trust };
  await serveState(context, cluster, () => state);
  return { ...cluster, ago, state };
}

/** One CA as the server reports it. */
export function trustSlot(slot: TrustSlot["slot"], pem: string, ageMs: number): TrustSlot {
  const [{ subject, fingerprint256: fingerprint, validToDate } = assert.fail()] = readCertificates(pem);
  const times = { since: timeAgo(ageMs), expiresAt: validToDate.toISOString() };
  return { slot, subject: subject.replaceAll("\n", ", "), fingerprint, ...times, longestLeafSeconds: 3600 };
}

/** What the server reports about these CAs. */
export function trustOf(...slots: readonly TrustSlot[]): TrustState {
  return { leafSeconds: 3600, slots, outlook: [], waitsFor: [] };
}

const NO_REFUSALS = { recordedSince: timeAgo(DAY_MS), sharedAt: timeAgo(MINUTE_MS), rows: [] };

function installObjects({ kubernetes, store }: OperatorCluster): void {
  createInstalledObjects(store);
  const namespace = "podrole";
  store.create("configmaps", { metadata: { name: "podrole-trust", namespace }, data: { "bundle.pem": CA } });
  store.create("serviceaccounts", { metadata: { name: "podrole-reader", namespace } });
  store.replace("mutatingwebhookconfigurations", { ...ownConfiguration({ sideEffects: "None", rules: POD_RULES }) });
  for (const program of ["server", "webhook"] as const) {
    for (const number of [1, 2]) store.create("pods", programPod(program, number, READY_STATUS));
  }
  for (const file of ["server", "webhook", "rbac", "pod-status-policy"]) {
    for (const object of readManifest<ManifestObject>(`base/${file}.yaml`))
      installObject({ kubernetes, store }, object);
  }
}

/** The emulator applies these without a call: it has no webhook to call. */
const POD_RULES = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }];
const READY_STATUS = {
  phase: "Running",
  conditions: [{ type: "Ready", status: "True" }],
  containerStatuses: [{ ready: true, restartCount: 0 }],
};
const ACCOUNTS = "system:serviceaccount:podrole:podrole";

interface ManifestObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: PolicyRule[];
}

function installObject({ kubernetes, store }: Pick<OperatorCluster, "kubernetes" | "store">, object: ManifestObject) {
  const account = `${ACCOUNTS}${object.metadata.name.replace("podrole", "")}`;
  switch (object.kind) {
    case "PodDisruptionBudget":
      return void store.create("poddisruptionbudgets", object as never);
    case "ValidatingAdmissionPolicy":
      return void store.create("validatingadmissionpolicies", object as never);
    case "ValidatingAdmissionPolicyBinding":
      return void store.create("validatingadmissionpolicybindings", object as never);
    case "ClusterRole":
      return kubernetes.restrict(account, object.rules ?? []);
    case "Role":
      return kubernetes.restrict(account, object.rules ?? [], "podrole");
    default:
      return undefined;
  }
}

/** A pod of server or webhook, as its Deployment makes it. */
export function programPod(program: "server" | "webhook", number: number, status: object): Pod {
  const name = `podrole-${program}-${number}`;
  const ports = program === "server" ? [{ name: "state", containerPort: 8445 }] : [];
  return {
    metadata: { name, namespace: "podrole", labels: { "app.kubernetes.io/name": `podrole-${program}` } },
    spec: { nodeName: `node-${number}`, containers: [{ name: program, ports }] },
    status: status as Pod["status"],
  } as Pod;
}

async function serveState(context: TestContext, { kubernetes }: OperatorCluster, page: () => object): Promise<void> {
  const { certificatePem: cert, key } = createAuthority({
    commonName: "state",
    now: Date.now(),
    lifetimeMs: HOUR_MS,
  });
  const server = createServer({ cert, key: key.reveal() }, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page()));
  });
  const port = await listenOnLoopback(context, server);
  for (const number of [1, 2]) kubernetes.pages.set(`podrole/https:podrole-server-${number}:8445`, `127.0.0.1:${port}`);
}

/** caBundle of a webhook configuration for these CAs. */
export const caBundleOf = (...pems: readonly string[]): string => base64(pems.join(""));

/** A store of the emulated API server. */
export type { Store };
