// npm run bench:scale: creates thousands of injected pods on a real API server, as fast as it takes them, on a node
// that KWOK plays. Server and webhook are the bundle of the image, processes of this host with the RBAC of the
// manifests; STS is emulated. Everything shares the machine, so the rate says as much about the API server as about
// podrole.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningProgram } from "../../../emulators/start-program.ts";
import { until } from "../../../emulators/until.ts";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { type Installation, installOnCluster } from "../../cluster/installation.ts";
import { createKubectl, type Kubectl } from "../../cluster/kubectl.ts";
import { controlPlane } from "../../cluster/kubernetes/control-plane.ts";
import { injectedNamespace } from "../../cluster/node/pods.ts";
import { ROOT } from "../../files.ts";
import { compareFigures, figuresNow } from "../figures.ts";
import { cpuMs, privateMegabytes } from "../sidecar/process.ts";
import { bucketQuantile, readBuckets, shareWithin } from "./admission-metric.ts";
import { type CallApi, createApiCall } from "./api.ts";
import { buildKwok, KWOK_NODE, kwokVersion, nodeObject, startKwok } from "./kwok.ts";
import {
  isScaleMet,
  MAX_P99_MS,
  type ProgramUse,
  perSecond,
  type ScaleRun,
  scaleFigures,
  scaleResults,
} from "./results.ts";

const WEBHOOK = "pods.podrole.io";
const ROLE = "shop-orders";
const NAMESPACES = Array.from({ length: 20 }, (_, index) => `scale-${index}`);
/** As many as the ReplicaSet controller has by default (concurrent-replicaset-syncs), each one pod at a time. */
const CALLERS = 5;
const RUNNING_TIMEOUT_MS = 600_000;
/** Its audit log with every pod's body would be what is measured. */
const API_SERVER_FLAGS = "--audit-log-path=";

function podObject(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "orders" }, annotations: { "iam.amazonaws.com/role": ROLE } },
    spec: {
      // Bound already: the scheduler's share of the machine is not what is measured.
      nodeName: KWOK_NODE,
      containers: [
        {
          name: "app",
          image: "registry.example.com/shop/orders:1.2.3",
          env: Array.from({ length: 10 }, (_, index) => ({ name: `SETTING_${index}`, value: `value ${index}` })),
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
        },
      ],
    },
  };
}

/** Creates the pods; resolves with the number of those that the API server refused, and prints why. */
async function createPods(call: CallApi, pods: number): Promise<number> {
  let [next, failures] = [0, 0];
  async function caller(): Promise<void> {
    for (let index = next++; index < pods; index = next++) {
      const path = `/api/v1/namespaces/${NAMESPACES[index % NAMESPACES.length]}/pods`;
      const { status, body } = await call("POST", path, podObject(`orders-${index}`));
      if (index % 500 === 0) process.stderr.write(`${index} of ${pods} pods\n`);
      if (status === 201 && body.includes("podrole-sidecar")) continue;
      failures += 1;
      console.error(`not created: ${status} ${body.slice(0, 300)}`);
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return failures;
}

/** Resolves when no pod of the namespaces is in another phase. */
async function untilRunning(call: CallApi): Promise<void> {
  const selector = encodeURIComponent("status.phase!=Running,metadata.namespace!=podrole");
  const hasOthers = async () => {
    const { body } = await call("GET", `/api/v1/pods?limit=1&fieldSelector=${selector}`);
    return (JSON.parse(body) as { readonly items: readonly object[] }).items.length > 0;
  };
  const timing = { timeoutMs: RUNNING_TIMEOUT_MS, intervalMs: 500 };
  await until(async () => !(await hasOthers()), "every pod is running", timing);
}

/** Reads how much a program uses; the result is for 1 000 pods. */
async function startUse({ pid }: RunningProgram): Promise<(pods: number) => Promise<ProgramUse>> {
  const [cpuBefore, megabytesBefore] = [await cpuMs(pid), await privateMegabytes(pid)];
  return async (pods) => {
    const totalMegabytes = await privateMegabytes(pid);
    const each = (value: number) => Math.round((value * 10_000) / pods) / 10;
    return {
      cpuMs: each((await cpuMs(pid)) - cpuBefore),
      megabytes: each(totalMegabytes - megabytesBefore),
      totalMegabytes,
    };
  };
}

async function measure(call: CallApi, podrole: Installation, pods: number): Promise<Omit<ScaleRun, "versions">> {
  const server = await startUse(podrole.server);
  const webhook = await startUse(podrole.webhook);
  const startedAt = performance.now();
  const failures = await createPods(call, pods);
  const createdSeconds = (performance.now() - startedAt) / 1_000;
  await untilRunning(call);
  const runningSeconds = (performance.now() - startedAt) / 1_000;
  const buckets = readBuckets((await call("GET", "/metrics")).body, WEBHOOK);
  return {
    pods,
    createdSeconds: rounded(createdSeconds),
    runningSeconds: rounded(runningSeconds),
    failures,
    admissionP50: rounded(bucketQuantile(buckets, 0.5)),
    admissionP99: rounded(bucketQuantile(buckets, 0.99)),
    within25: Math.round(shareWithin(buckets, MAX_P99_MS / 1_000) * 10_000) / 10_000,
    server: await server(pods),
    webhook: await webhook(pods),
  };
}

/** To one decimal. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

async function prepare(kubectl: Kubectl, call: CallApi, pods: number): Promise<void> {
  for (const name of NAMESPACES) await kubectl.ok(["apply", "-f", "-"], injectedNamespace(name));
  const { status, body } = await call("POST", "/api/v1/nodes", nodeObject(pods));
  if (status !== 201) throw new RangeError(`Cannot create the node: ${status} ${body}`);
  const hasAccount = async (namespace: string) =>
    (await call("GET", `/api/v1/namespaces/${namespace}/serviceaccounts/default`)).status === 200;
  // The API server refuses pods before.
  for (const name of NAMESPACES) await until(() => hasAccount(name), `the ServiceAccount of ${name}`);
}

async function run(directory: string, pods: number): Promise<ScaleRun> {
  const folder = buildKwok();
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`Cannot build the bundles: ${build.stderr}`);
  const cluster = join(directory, "cluster");
  const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "" } = controlPlane("up", cluster, API_SERVER_FLAGS);
  const api = createApiCall(kubeconfig);
  const kwok = startKwok(folder, kubeconfig, join(directory, "kwok.log"));
  try {
    const kubectl = createKubectl({ binary, kubeconfig });
    await prepare(kubectl, api.call, pods);
    const podrole = await installOnCluster(kubectl, {
      kubeconfig,
      host: "127.0.0.1",
      roles: [{ name: ROLE, isTrusted: true }],
      images: {},
      entry: join(ROOT, "dist/server/podrole.js"),
    });
    try {
      const { gitVersion } = JSON.parse((await api.call("GET", "/version")).body) as { readonly gitVersion: string };
      const versions = { kwok: kwokVersion(folder), kubernetes: gitVersion };
      return { ...(await measure(api.call, podrole, pods)), versions };
    } finally {
      await podrole.uninstall();
    }
  } finally {
    api.close();
    await kwok.stop();
    controlPlane("down", cluster);
  }
}

async function main(): Promise<void> {
  const { pods, publish } = startScript("bench:scale").values;
  const directory = mkdtempSync(join(tmpdir(), "podrole-scale-"));
  try {
    const result = await run(directory, pods);
    const measured = figuresNow(scaleFigures(result));
    console.log(`${pods} pods, ${perSecond(result)} per second; ${measured.machine}`);
    console.log(JSON.stringify(result, null, 2));
    for (const line of compareFigures(scaleResults.find(), measured.figures)) console.log(line);
    if (publish) scaleResults.write({ ...measured, ...result });
    process.exitCode = isScaleMet(result) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
