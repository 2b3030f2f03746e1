// npm run bench:start: measures what podrole adds to the start of a pod on a real node, from its binding to the start
// of the app's process. Starts a cluster of one node (needs root and the packages of
// test/cluster/kubernetes/packages.sh podman), builds and loads podrole's images, measures, and removes everything.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { createKubectl, type Kubectl } from "../../cluster/kubectl.ts";
import { runNodeScript } from "../../cluster/kubernetes/node.ts";
import { buildImages } from "../../cluster/node/images.ts";
import { createInstallers } from "../../cluster/node/install/installers.ts";
import { injectedNamespace } from "../../cluster/node/pods.ts";
import { type Distribution, distributionOf } from "./distribution.ts";
import { createMeasure, type Timeline } from "./measure.ts";
import { BENCH_NAMESPACE, SHAPES } from "./shapes.ts";

async function install(kubectl: Kubectl): Promise<void> {
  await createInstallers(kubectl, {})["kustomize"]?.install();
  await kubectl.ok(["apply", "-f", "-"], injectedNamespace(BENCH_NAMESPACE));
}

/** Alternates between the variants, so that other load on the machine affects all of them equally. */
async function measureAll(kubectl: Kubectl, auditLog: string, starts: number) {
  const measure = createMeasure(kubectl, auditLog);
  const times = new Map<string, Timeline[]>(SHAPES.map(({ name }) => [name, []]));
  for (let round = 0; round <= starts; round++) {
    for (const shape of SHAPES) {
      const timeline = await measure(shape, `${podName(shape.name)}-${round}`);
      // The first round only warms file caches and the server; it is not counted.
      if (round > 0) times.get(shape.name)?.push(timeline);
    }
    process.stderr.write(`round ${round} of ${starts}\r`);
  }
  return times;
}

/** Returns the shape's name as part of an object's name: "bare, limit 500m" → "bare-limit-500m". */
function podName(shape: string): string {
  return shape.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

function report(times: ReadonlyMap<string, readonly Timeline[]>): void {
  const medianOfPlain = distributionOf((times.get("plain") ?? []).map(({ app }) => app)).median;
  const rows: [string, Distribution & { readonly added?: number }][] = [];
  for (const { name } of SHAPES) {
    const each = times.get(name) ?? [];
    const app = distributionOf(each.map((timeline) => timeline.app));
    for (const step of ["up", "ready"] as const) {
      const values = each.flatMap((timeline) => timeline[step] ?? []);
      if (values.length > 0) rows.push([`${name}: sidecar ${step}`, distributionOf(values)]);
    }
    rows.push([`${name}: app`, { ...app, added: app.median - medianOfPlain }]);
  }
  console.table(Object.fromEntries(rows));
}

async function run(environment: NodeJS.Dict<string>, starts: number): Promise<void> {
  const { KUBECONFIG = "", KUBECTL = "", AUDIT_LOG = "" } = environment;
  const kubectl = createKubectl({ binary: KUBECTL, kubeconfig: KUBECONFIG });
  await install(kubectl);
  const before = loadavg()[0] ?? 0;
  const times = await measureAll(kubectl, AUDIT_LOG, starts);
  const load = `load ${before.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`;
  console.log(`${starts} starts of each, ms after the binding to the node; ${cpus().length} cores, ${load}`);
  report(times);
}

async function main(): Promise<void> {
  const { values } = startScript("bench:start");
  const cluster = values.cluster ?? mkdtempSync(join(tmpdir(), "podrole-start-"));
  const images = mkdtempSync(join(tmpdir(), "podrole-images-"));
  try {
    if (values.cluster === undefined) runNodeScript("up", cluster);
    const environment = parseEnv(readFileSync(join(cluster, "environment"), "utf8"));
    const { archives } = await buildImages(environment["IMAGES"] ?? "", images);
    runNodeScript("load", cluster, ...archives);
    await run(environment, values.starts);
  } finally {
    if (values.cluster === undefined) {
      runNodeScript("down", cluster);
      rmSync(cluster, { recursive: true, force: true });
    }
    rmSync(images, { recursive: true, force: true });
  }
}

await main();
