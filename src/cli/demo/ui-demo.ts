// podrole demo --ui: a small emulated cluster, and the page of podrole ui on it. Pods come and go, are refused, wait
// and renew; a rotation of the CA begins. It stays until it is interrupted, and always removes its processes and files.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EmulatedCluster, startEmulatedCluster } from "../../../emulators/cluster.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { rotate } from "../../operations/rotate/rotate.ts";
import { createServerQuestion } from "../../operations/state/ask-server.ts";
import { systemClock as clock, sleep } from "../../runtime/clock.ts";
import { openConnection } from "../cluster.ts";
import { servePage } from "../page/serve-page.ts";
import { type Terminal, writeProblems } from "../terminal.ts";
import { createDemoNode, DEMO_ACCOUNT, DEMO_REGION, SIDECAR_IMAGE } from "./demo-node.ts";
import { DEMO_PROGRAMS } from "./demo-programs.ts";
import type { Narrator } from "./narrator.ts";
import { showInstallation } from "./shown-installation.ts";
import { createShownPods, IDLE_IMAGE, type ShownPod, type ShownPods } from "./shown-pods.ts";

const BASE_ARN = `arn:aws:iam::${DEMO_ACCOUNT}:role/`;
/** Sidecars renew after about half of it. */
const UI_SESSION_SECONDS = 120;

/** By namespace: whether it is labelled, and what it permits. */
const NAMESPACES = {
  shop: { isLabelled: true, permitted: "(shop|shared)-.*" },
  payroll: { isLabelled: true, permitted: "(payroll|shared)-.*" },
  legacy: { isLabelled: false, permitted: "legacy-.*" },
} as const;

const pod = (namespace: string, name: string, workload: string, roles: ShownPod["roles"]): ShownPod => ({
  namespace,
  name,
  workload,
  roles,
});

/** Pods that stay; among them a role that does not trust the server, a name without a role, and a foreign namespace. */
const STEADY: readonly ShownPod[] = [
  pod("shop", "orders-7d9f4-x2x4q", "Deployment/orders", { app: "shop-orders" }),
  pod("shop", "cart-7d9f4-9qwzt", "Deployment/cart", { web: "shop-cart", worker: "shop-queue" }),
  pod("payroll", "payouts-7d9f4-k8s2m", "Deployment/payouts", { app: "payroll-payouts" }),
  pod("payroll", "ledger-7d9f4-m2n8v", "Deployment/ledger", { app: "payroll-ledger" }),
  pod("shop", "mailer-7d9f4-hx5pl", "Deployment/mailer", { app: "shop-mial" }),
  pod("legacy", "importer-7d9f4-c4d1r", "Deployment/importer", { app: "legacy-import" }),
];

/** Refused at admission again and again. */
const INTRUDER = pod("shop", "intruder-7d9f4-z9xv2", "Deployment/intruder", { app: "payroll-payouts" });
const ROLES = ["shop-orders", "shop-cart", "shop-queue", "payroll-payouts", "shared-reports", "legacy-import"];
/** Exists, and its trust policy does not name podrole's server. */
const UNTRUSTING = "payroll-ledger";
const SCENE_PAUSE_MS = 15_000;

/** Runs until `terminal.interrupted`; the exit code is that of podrole demo. */
export async function runUiDemo(
  terminal: Terminal,
  narrator: Narrator,
  { opensBrowser }: { readonly opensBrowser: boolean },
): Promise<number> {
  const { execPath, interrupted } = terminal;
  const runtime = { execPath, entry: DEMO_PROGRAMS.commandLine, path: terminal.env["PATH"] ?? "" };
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime,
      region: DEMO_REGION,
      accountId: DEMO_ACCOUNT,
      roles: [...ROLES.map((name) => ({ name, isTrusted: true })), { name: UNTRUSTING, isTrusted: false }],
      sessionCapSeconds: UI_SESSION_SECONDS,
    },
  );
  const node = createDemoNode(cluster, runtime, { [IDLE_IMAGE]: { command: ["sleep", "86400"] } });
  try {
    await showInstallation(cluster, { roleBaseArn: BASE_ARN, region: DEMO_REGION, sidecarImage: SIDECAR_IMAGE });
    await createNamespaces(cluster);
    const kubernetes = await openDemoConnection(terminal, cluster);
    const pods = createShownPods({ cluster, node, now: () => clock.now() });
    narrator.step("podrole's server and webhook run beside an embedded Kubernetes API and STS; pods come and go");
    const living = live(pods, kubernetes, interrupted);
    const served = await servePage(
      {
        kubernetes,
        clock,
        askServer: createServerQuestion({ kubernetes }, { podroleNamespace: "podrole" }),
        findLogs: () => writeLogs(cluster),
        interrupted,
        onReady: (address) => narrator.step("The identity map is open until Ctrl-C", [address]),
      },
      { namespace: undefined, podroleNamespace: "podrole", port: 0, opensBrowser },
    );
    await living;
    await kubernetes.close();
    if (!served.ok) return writeProblems(terminal, "demo", [served.problem]);
    narrator.step("Interrupted: its processes and files are removed");
    return 0;
  } finally {
    await node.stop(2_000);
    await cluster.stop();
  }
}

/** The programs' lines as a file: the emulated API server has no logs of pods. */
async function writeLogs({ directory, server, webhook }: EmulatedCluster) {
  const file = join(directory, "podrole.log");
  const lines = [...server.lines, ...webhook.lines].map((line) => `${JSON.stringify(line)}\n`);
  await writeFile(file, lines.join(""), { mode: 0o600 });
  return { from: "files", files: [file] } as const;
}

async function createNamespaces({ kubernetes }: EmulatedCluster): Promise<void> {
  for (const [name, { isLabelled, permitted }] of Object.entries(NAMESPACES)) {
    const annotations = { "iam.amazonaws.com/permitted": `${BASE_ARN}${permitted}` };
    const labels = isLabelled ? { "podrole.io/inject": "enabled" } : {};
    await kubernetes.create("/api/v1/namespaces", { metadata: { name, labels, annotations } });
  }
}

async function openDemoConnection(terminal: Terminal, { directory, kubernetes }: EmulatedCluster) {
  const kubeconfig = join(directory, "operator.kubeconfig");
  await writeFile(kubeconfig, kubernetes.kubeconfig(), { mode: 0o600 });
  return openConnection(terminal, { kubeconfig });
}

/** What happens in the cluster: the steady pods, then a report that comes and goes, and a first step of a rotation. */
async function live(pods: ShownPods, kubernetes: OperatorKubernetes, interrupted: AbortSignal): Promise<void> {
  const isOver = () => interrupted.aborted;
  for (const each of STEADY) if (!isOver()) await pods.create(each);
  for (let round = 1; !isOver(); round++) {
    const report = pod("shop", `report-${round}`, "Job/report", { report: "shared-reports" });
    await pods.create(INTRUDER);
    await pods.create(report);
    await sleep(clock, SCENE_PAUSE_MS, interrupted);
    if (round === 2 && !isOver()) {
      // Its problem, if there is one, is on the page.
      await rotate({ kubernetes, clock }, { step: "prepare", namespace: "podrole", force: false });
    }
    await sleep(clock, SCENE_PAUSE_MS, interrupted);
    await pods.remove(report);
  }
}
