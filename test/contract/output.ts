// Fields of the output of `-o json`, from the commands themselves, run on fakes.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { explainAction } from "../../src/cli/commands/explain.ts";
import { migrateAction } from "../../src/cli/commands/migrate.ts";
import { rotateAction } from "../../src/cli/commands/rotate.ts";
import { statusAction } from "../../src/cli/commands/status.ts";
import { createNarrator } from "../../src/cli/demo/narrator.ts";
import { checkJson } from "../../src/cli/output/check.ts";
import type { Action } from "../../src/cli/terminal.ts";
import { encodeAuthorities } from "../../src/pki/authorities.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { runAudit } from "../cli/commands/run-audit.ts";
import { createTerminal } from "../cli/terminal.ts";
import { toBase64 } from "../fakes/secret-data.ts";
import * as samples from "../operations/audit/samples.ts";
import {
  barePod,
  CA,
  createInstalledObjects,
  healthyFacts,
  healthyPod,
  judgeFacts,
  knownFact,
} from "../operations/check/healthy.ts";
import { clusterExport, KIAM, KUBE2IAM } from "../operations/migrate/cluster-export.ts";
import { DENIED, podWith } from "../operations/status/pods.ts";
import { type Contract, type Entries, shapeOf } from "./entries.ts";

type Flags = Readonly<Record<string, string>>;

export async function outputContract(): Promise<Contract> {
  const directory = await mkdtemp(join(tmpdir(), "podrole-contract-"));
  try {
    return {
      "output: check": shapeOf([JSON.parse(checkJson(judgeFacts(healthyFacts({ pods: knownFact([barePod()]) }))))]),
      "output: demo --json": demo(),
      ...(await clusterOutput(directory)),
      ...(await migrateOutput()),
      ...(await auditOutput(directory)),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function run(command: Action, args: readonly string[], flags: Flags, stdin = ""): Promise<unknown> {
  const terminal = createTerminal({ stdin });
  await command(terminal, { output: "json", ...flags }, args);
  assert.notEqual(terminal.said.out(), "", terminal.said.err());
  return JSON.parse(terminal.said.out()) as unknown;
}

function demo(): Entries {
  const lines: string[] = [];
  createNarrator({ out: (line) => lines.push(line), now: () => 0 }, { json: true }).step("title", ["fact"]);
  return shapeOf(lines.map((line) => JSON.parse(line) as unknown));
}

/** explain and rotate, against an API server on a socket. */
async function clusterOutput(directory: string): Promise<Contract> {
  const kubernetes = createKubernetesEmulator({ clock });
  await kubernetes.listen();
  try {
    const { store } = kubernetes;
    createInstalledObjects(store);
    const old = healthyPod();
    const sidecar = old.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
    if (sidecar) sidecar.image = "registry.example/podrole-sidecar:0";
    store.create("pods", { ...old, metadata: { ...old.metadata, namespace: "shop" } });
    store.create("pods", podWith({ name: "denied", sidecar: DENIED }));
    store.create("configmaps", {
      metadata: { name: "podrole-trust", namespace: "podrole" },
      data: { "bundle.pem": CA },
    });
    store.create("pods", { ...barePod("payroll"), metadata: { ...barePod("payroll").metadata, name: "refused" } });
    store.create("secrets", { metadata: { name: "podrole-ca", namespace: "podrole" }, data: slots() });
    const kubeconfig = join(directory, "kubeconfig");
    await writeFile(kubeconfig, kubernetes.kubeconfig(), { mode: 0o600 });
    const explained = ["pod/orders", "pod/refused"].map((pod) =>
      run(explainAction, [pod], { kubeconfig, namespace: "shop" }),
    );
    return {
      "output: explain": shapeOf(await Promise.all(explained)),
      "output: status": shapeOf(
        await Promise.all(
          ["pods", "roles", "refusals", "trust"].map((topic) =>
            run(statusAction, [topic], { kubeconfig, ...(topic !== "trust" && { namespace: "shop" }) }),
          ),
        ),
        ["roles[].codes"],
      ),
      "output: rotate": shapeOf([await run(rotateAction, ["status"], { kubeconfig })]),
    };
  } finally {
    await kubernetes.close();
  }
}

/** All three slots; the next CA is too new to sign, so that some steps are refused and others are possible. */
function slots(): Readonly<Record<string, string>> {
  const now = clock.now();
  const authority = createAuthority({ commonName: "podrole CA", now, lifetimeMs: 365 * 86_400_000 });
  const slot = { authority, since: now };
  const previous = { certificatePem: authority.certificatePem, since: now };
  return toBase64(encodeAuthorities({ current: slot, next: slot, previous }));
}

async function migrateOutput(): Promise<Contract> {
  const of = (system: string, flags: Flags = {}) => {
    const cluster = clusterExport(system === "kube2iam" ? KUBE2IAM : KIAM);
    return run(migrateAction, [system], { filename: "-", ...flags }, JSON.stringify(cluster));
  };
  const account = "123456789012";
  const irsa = { oidcProvider: "https://oidc.example/id/1", account };
  const podIdentity = { clusterName: "prod", account, region: "eu-central-1" };
  const settings = ["settings.server", "settings.webhook"];
  const policies = ["trustPolicies[].document.Statement[].Condition.StringEquals"];
  return {
    "output: migrate kiam and kube2iam": shapeOf([await of("kiam"), await of("kube2iam")], settings),
    "output: migrate irsa": shapeOf([await of("irsa", irsa)], policies),
    "output: migrate pod-identity": shapeOf([await of("pod-identity", podIdentity)], policies),
  };
}

/** Every subcommand, with all three logs. */
async function auditOutput(directory: string): Promise<Contract> {
  const apiAuditLog = join(directory, "api.log");
  const cloudtrail = join(directory, "trail.json");
  const token = samples.creation({
    user: { username: "system:node:n1" },
    objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "default" },
    annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=t-1" },
  });
  await writeFile(apiAuditLog, samples.linesOf([samples.creation(), token]));
  const calls = { Records: [samples.call(), samples.call({ errorCode: "AccessDenied" })] };
  await writeFile(cloudtrail, JSON.stringify(calls));
  const joined = { apiAuditLog, cloudtrail };
  const refused = { decision: "refused", reason: "STS_DENIED", message: "Cannot assume role" };
  const records = [
    samples.admission({ owner: { kind: "Job", name: "orders" }, message: "text", warnings: ["text"] }),
    samples.certificate(),
    samples.credentials(),
    samples.credentials(refused),
    samples.admission({ decision: "refuse", reason: "ROLE_FORBIDDEN", message: "Cannot give role" }),
  ];
  const answer = async (args: readonly string[], flags: Flags, maps: readonly string[] = []) =>
    shapeOf([(await runAudit(args, { output: "json", ...flags }, records)).json()], maps);
  return {
    "output: audit who": await answer(["who"], { role: "shop-orders", ...joined }, ["[].sessions[].awsCalls[].errors"]),
    "output: audit pod": await answer(["pod", "shop/orders"], joined, ["[].errors"]),
    "output: audit key": await answer(["key", "ASIAEXAMPLE000000001"], joined, ["[].sessions[].awsCalls[].errors"]),
    "output: audit refusals": await answer(["refusals"], {}),
  };
}
