// The load shown on the dashboard: the shop of the story tests with two servers and running pods, and for a few minutes
// the events of a real cluster: pods start and stop, some are refused, SDKs request credentials, sessions are renewed,
// STS throttles for a while and then denies a role.
import type { RunningPod } from "../../../emulators/kubelet/node.ts";
import { getCredentials } from "../../../src/protocol/client.ts";
import { type AdmittedPod, createAdmittedPod } from "../../admitted-pod.ts";
import { arnOf, openShop, type Shop } from "../../story/shop.ts";
import type { ScrapeTarget } from "./prometheus.ts";

/** Session lifetime; short, so that a few minutes include several renewals. */
const LIFETIME_MS = 50_000;
/** Rounds between two certificate requests, which simulate starting pods. */
const PROVE_EVERY = 6;
const ROLE = "iam.amazonaws.com/role";
/** Roles of new pods, in turn: one of six is refused, one pod has no role. */
const NEW_POD_ROLES = ["shop-orders", "shop-web", "shop-orders", "payroll-admin", undefined, "shop-web"];

export interface DashboardLoad {
  readonly targets: readonly ScrapeTarget[];
  /** Runs for `seconds`; `report` is called with the name of each phase that begins. */
  run(seconds: number, report: (text: string) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export async function createLoad(): Promise<DashboardLoad> {
  const shop = await openShop();
  const second = await shop.cluster.startServer();
  const pods: RunningPod[] = [];
  for (const namespace of ["shop", "steady", "moving"]) await shop.namespace(namespace);
  for (const role of ["shop-orders", "shop-web", "shop-steady", "shop-moving"])
    shop.lifetimes.set(arnOf(role), LIFETIME_MS);
  const proven = await createAdmittedPod(shop.cluster.kubernetes, { name: "orders", roles: { app: "shop-web" } });
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
  const { server, webhook } = shop.cluster;
  const metricsAddress = ({ ports }: { readonly ports: Readonly<Record<string, number>> }) =>
    `127.0.0.1:${ports["pages"]}`;
  const targets: ScrapeTarget[] = [
    ...[server, second].map((program) => ({ job: "podrole-server", address: metricsAddress(program) })),
    { job: "podrole-webhook", address: metricsAddress(webhook) },
    ...pods.map((pod) => ({ job: "podrole-sidecar", address: healthOf(shop, pod), labels: labelsOf(pod) })),
  ];
  return {
    targets,
    run: (seconds, report, signal) => run({ shop, callers, proven, seconds }, report, signal),
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

/** Returns a function that requests credentials as an SDK in the pod's container does, without a process per call. */
async function callerOf(shop: Shop, pod: RunningPod): Promise<() => Promise<void>> {
  const script =
    "process.stdout.write(require('node:fs').readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8'))";
  const { output } = await pod.exec("app", [process.execPath, "-e", script], AbortSignal.timeout(10_000));
  const headers = { Authorization: output };
  return async () => void (await (await fetch(shop.endpointOf(pod), { headers })).arrayBuffer());
}

/** Requests a certificate and credentials, as each pod does when it starts. A refusal is an expected result. */
async function startAsPod(pod: AdmittedPod): Promise<void> {
  const identity = await pod.prove();
  await getCredentials(pod.credentialsPort, identity, { containers: ["app"], bundleHash: "" }, 10_000);
}

interface Participants {
  readonly shop: Shop;
  readonly callers: readonly (() => Promise<void>)[];
  readonly proven: AdmittedPod;
  readonly seconds: number;
}

async function run(
  { shop, callers, proven, seconds }: Participants,
  report: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { faults } = shop.cluster.sts;
  const startedAt = Date.now();
  const share = () => (Date.now() - startedAt) / (seconds * 1000);
  const phases = [
    { at: 0, name: "ordinary load", begin: () => faults.clear() },
    { at: 0.35, name: "STS throttles", begin: () => faults.set({ kind: "throttle" }) },
    { at: 0.5, name: "STS answers again", begin: () => faults.clear() },
    {
      at: 0.65,
      name: "STS denies one role",
      begin: () => faults.set({ kind: "deny" }, { roleArn: arnOf("shop-moving") }),
    },
    { at: 0.8, name: "ordinary load again", begin: () => faults.clear() },
  ];
  for (let round = 0; share() < 1 && !signal.aborted; round++) {
    while (phases[0] && phases[0].at <= share()) {
      const phase = phases.shift();
      report(phase?.name ?? "");
      phase?.begin();
    }
    const role = NEW_POD_ROLES[round % NEW_POD_ROLES.length];
    const annotations = role === undefined ? {} : { [ROLE]: role };
    const { code } = await shop.apply("shop", `new-${round}`, { annotations });
    if (code === 201) shop.cluster.kubernetes.store.remove("pods", "shop", `new-${round}`);
    for (const call of callers) await call();
    if (round % PROVE_EVERY === 0) await startAsPod(proven);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  faults.clear();
}
