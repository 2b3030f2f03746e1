// The scenery of the picture: the story's shop with two servers, pods that run, and for a few minutes what a cluster does:
// pods come and go, some are refused, SDKs ask, sessions are renewed, STS throttles for a while and then is away.
import type { RunningPod } from "../../../emulators/kubelet/node.ts";
import { getCredentials } from "../../../src/protocol/client.ts";
import { createPod, type StagedPod } from "../pod.ts";
import { arnOf, openShop, type Shop } from "../../story/shop.ts";
import type { Target } from "./prometheus.ts";

/** So that a few minutes show several renewals. */
const LIFE_MS = 50_000;
/** Rounds between two proofs, as of pods that start. */
const PROVE_EACH = 6;
const ROLE = "iam.amazonaws.com/role";
/** One of six is refused; one has no role. */
const COMING = ["shop-orders", "shop-web", "shop-orders", "payroll-admin", undefined, "shop-web"];

export interface Scenery {
  readonly targets: readonly Target[];
  /** Runs for so many seconds; `say` hears what begins. */
  run(seconds: number, say: (text: string) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export async function buildScenery(): Promise<Scenery> {
  const shop = await openShop();
  const second = await shop.stage.startServer();
  const pods: RunningPod[] = [];
  for (const namespace of ["shop", "steady", "moving"]) await shop.namespace(namespace);
  for (const role of ["shop-orders", "shop-web", "shop-steady", "shop-moving"]) shop.lives.set(arnOf(role), LIFE_MS);
  const proven = await createPod(shop.stage, "shop-web");
  for (const [namespace, name, role] of [
    ["shop", "checkout", "shop-orders"],
    ["shop", "web", "shop-web"],
    ["steady", "web", "shop-steady"],
    ["moving", "web", "shop-moving"],
  ] as const) {
    const pod = await shop.run(namespace, name, { annotations: { [ROLE]: role } });
    await shop.phase(pod, "Running");
    pods.push(pod);
  }
  const callers = await Promise.all(pods.map((pod) => callerOf(shop, pod)));
  const { server, webhook } = shop.stage;
  const page = ({ ports }: { readonly ports: Readonly<Record<string, number>> }) => `127.0.0.1:${ports["pages"]}`;
  const targets: Target[] = [
    ...[server, second].map((program) => ({ job: "podrole-server", address: page(program) })),
    { job: "podrole-webhook", address: page(webhook) },
    ...pods.map((pod) => ({ job: "podrole-sidecar", address: healthOf(shop, pod), labels: labelsOf(pod) })),
  ];
  return {
    targets,
    run: (seconds, say, signal) => run({ shop, callers, proven, seconds }, say, signal),
    close: () => shop.close(),
  };
}

function labelsOf({ pod: { metadata } }: RunningPod): Readonly<Record<string, string>> {
  return { namespace: metadata.namespace ?? "", pod: metadata.name ?? "" };
}

function healthOf(shop: Shop, pod: RunningPod): string {
  const { hostname, port } = new URL(shop.endpointOf(pod));
  return `${hostname}:${Number(port) + 1}`;
}

/** Asks as the SDK in the pod's container does, without a process for each call. */
async function callerOf(shop: Shop, pod: RunningPod): Promise<() => Promise<void>> {
  const script =
    "process.stdout.write(require('node:fs').readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8'))";
  const { output } = await pod.exec("app", [process.execPath, "-e", script], AbortSignal.timeout(10_000));
  const headers = { Authorization: output };
  return async () => void (await (await fetch(shop.endpointOf(pod), { headers })).arrayBuffer());
}

/** A certificate and credentials, as each pod gets them first. A refusal is a part of the picture. */
async function startAsPod(pod: StagedPod): Promise<void> {
  const identity = await pod.prove();
  await getCredentials(pod.credentialsPort, identity, { containers: ["app"], bundleHash: "" }, 10_000);
}

interface Cast {
  readonly shop: Shop;
  readonly callers: readonly (() => Promise<void>)[];
  readonly proven: StagedPod;
  readonly seconds: number;
}

async function run(
  { shop, callers, proven, seconds }: Cast,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { faults } = shop.stage.sts;
  const startedAt = Date.now();
  const share = () => (Date.now() - startedAt) / (seconds * 1000);
  const acts = [
    { at: 0, name: "ordinary load", begin: () => faults.clear() },
    { at: 0.35, name: "STS throttles", begin: () => faults.set({ kind: "throttle" }) },
    { at: 0.5, name: "STS answers again", begin: () => faults.clear() },
    {
      at: 0.65,
      name: "STS denies one role",
      begin: () => faults.set({ kind: "deny" }, { roleArn: arnOf("shop-moving") }),
    },
    { at: 0.8, name: "all is well", begin: () => faults.clear() },
  ];
  for (let round = 0; share() < 1 && !signal.aborted; round++) {
    while (acts[0] && acts[0].at <= share()) {
      const act = acts.shift();
      say(act?.name ?? "");
      act?.begin();
    }
    const role = COMING[round % COMING.length];
    const annotations = role === undefined ? {} : { [ROLE]: role };
    const { code } = await shop.apply("shop", `coming-${round}`, { annotations });
    if (code === 201) shop.stage.kubernetes.store.remove("pods", "shop", `coming-${round}`);
    for (const call of callers) await call();
    if (round % PROVE_EACH === 0) await startAsPod(proven);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  faults.clear();
}
