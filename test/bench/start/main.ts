// npm run bench:start: measures what podrole adds to the start of a pod on a real node, from its binding to the start
// of the app's process. Starts a cluster of one node (needs root and the packages of
// test/cluster/kubernetes/packages.sh podman), builds and loads podrole's images, measures, and removes everything.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { ANNOTATIONS } from "../../../src/policy/annotations.ts";
import { createKubectl, type Kubectl } from "../../cluster/kubectl.ts";
import { runNodeScript } from "../../cluster/kubernetes/node.ts";
import { buildImages } from "../../cluster/node/images.ts";
import { createInstallers } from "../../cluster/node/install/installers.ts";
import { installSigner } from "../../cluster/node/install/signer.ts";
import { injectedNamespace } from "../../cluster/node/pods.ts";
import { compareFigures, figuresNow } from "../figures.ts";
import { certificateFigures, certificateResults, certificateRows, loadOf, measureCpu } from "./certificates.ts";
import { startKernelTrace } from "./kernel-trace.ts";
import { createStartMeasure, type StartMeasure } from "./measure.ts";
import {
  crowdFigures,
  crowdResults,
  crowdRows,
  type StartResults,
  startFigures,
  startResults,
  startRows,
  withUnmeasured,
} from "./results.ts";
import {
  BENCH_NAMESPACE,
  CERTIFICATE_SHAPES,
  CERTIFIED_NAMESPACE,
  CROWD_SHAPES,
  LIMITED_NAMESPACE,
  limitRangeManifest,
  nameOfShape,
  SHAPES,
  type StartShape,
} from "./shapes.ts";

async function install(kubectl: Kubectl): Promise<void> {
  await createInstallers(kubectl, {})["kustomize"]?.install();
  for (const namespace of [BENCH_NAMESPACE, LIMITED_NAMESPACE])
    await kubectl.ok(["apply", "-f", "-"], injectedNamespace(namespace));
  await kubectl.ok(["apply", "-f", "-"], limitRangeManifest());
}

/** Lets the server sign pod certificates, and the pods of one namespace have them. */
async function installCertificates(kubectl: Kubectl): Promise<void> {
  await installSigner(kubectl);
  const annotations = { [ANNOTATIONS.podCertificates]: "enabled" };
  await kubectl.ok(["apply", "-f", "-"], injectedNamespace(CERTIFIED_NAMESPACE, { annotations }));
}

/**
 * Measures each shape `rounds` times; alternates between them, so that other load on the machine affects all equally.
 * The first round only warms file caches and the server; it is not counted.
 */
async function measureRounds<Value>(
  shapes: readonly StartShape[],
  rounds: number,
  measure: (shape: StartShape, name: string) => Promise<Value>,
): Promise<ReadonlyMap<string, readonly Value[]>> {
  const times = new Map<string, Value[]>(shapes.map((shape) => [nameOfShape(shape), []]));
  for (let round = 0; round <= rounds; round++) {
    for (const shape of shapes) {
      const value = await measure(shape, `${podName(shape)}-${round}`);
      if (round > 0) times.get(nameOfShape(shape))?.push(value);
    }
    process.stderr.write(`round ${round} of ${rounds}\r`);
  }
  return times;
}

/** Returns the shape's name as part of an object's name: "bare, limit 500m" → "bare-limit-500m". */
function podName(shape: StartShape): string {
  return nameOfShape(shape)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-");
}

interface StartOptions {
  readonly starts: number;
  /** 0: pods start one after the other. */
  readonly atOnce: number;
  /** Only pods without podrole, with a token and with a pod certificate. */
  readonly certificates: boolean;
  /** Of the shapes of single starts. */
  readonly groups: readonly string[];
  /** File for the kernel's events of each start. */
  readonly trace?: string | undefined;
  readonly publish: boolean;
}

async function run(environment: NodeJS.Dict<string>, options: StartOptions): Promise<void> {
  const { KUBECONFIG = "", KUBECTL = "", AUDIT_LOG = "", LINK = "" } = environment;
  const kubectl = createKubectl({ binary: KUBECTL, kubeconfig: KUBECONFIG });
  await install(kubectl);
  if (options.certificates) {
    await installCertificates(kubectl);
    return runCertificates(createStartMeasure(kubectl, AUDIT_LOG), LINK, options);
  }
  const trace = options.trace === undefined ? undefined : startKernelTrace();
  const measure = createStartMeasure(kubectl, AUDIT_LOG, trace);
  const { starts, atOnce, publish } = options;
  const results = atOnce > 0 ? await runCrowds(measure, options) : await runSingles(measure, options);
  trace?.close();
  console.log(`${starts} starts of each, ms after the binding to the node; ${results.machine}`);
  console.table(Object.fromEntries(results.rows.map(({ what, ...row }) => [what, row])));
  const file = atOnce > 0 ? crowdResults : startResults;
  for (const { what, value, unit } of results.figures) console.log(`${what}: ${value} ${unit}`);
  for (const line of compareFigures(file.find(), results.figures)) console.log(line);
  if (publish) file.write(withUnmeasured(file.find(), results));
}

async function runSingles(measure: StartMeasure, { starts, groups, trace }: StartOptions): Promise<StartResults> {
  const chosen = SHAPES.filter(({ group }) => groups.includes(group));
  const times = await measureRounds(chosen, starts, (shape, name) => measure.one(shape, name));
  if (trace !== undefined) writeFileSync(trace, JSON.stringify(Object.fromEntries(times)));
  return { ...figuresNow(startFigures(times)), starts, rows: startRows(times) };
}

/** `link`: of the node, and the name of the cgroup of its pods. */
async function runCertificates(measure: StartMeasure, link: string, { starts, publish }: StartOptions): Promise<void> {
  const times = await measureRounds(CERTIFICATE_SHAPES, starts, (shape, name) =>
    measureCpu(link, () => measure.one(shape, name)),
  );
  const results = {
    ...figuresNow(certificateFigures(times)),
    starts,
    load: loadOf(times),
    rows: certificateRows(times),
  };
  console.log(`${starts} starts of each, ms after the binding to the node; ${results.machine}`);
  console.table(Object.fromEntries(results.rows.map(({ what, ...row }) => [what, row])));
  for (const line of compareFigures(certificateResults.find(), results.figures)) console.log(line);
  if (publish) certificateResults.write(results);
}

async function runCrowds(measure: StartMeasure, { starts, atOnce }: StartOptions): Promise<StartResults> {
  const times = await measureRounds(CROWD_SHAPES, starts, (shape, name) => {
    const names = Array.from({ length: atOnce }, (_, index) => `${name}-${index}`);
    return measure.together(shape, names);
  });
  return { ...figuresNow(crowdFigures(times, atOnce)), starts, rows: crowdRows(times, atOnce) };
}

async function main(): Promise<void> {
  const { values } = startScript("bench:start");
  const cluster = values.cluster ?? mkdtempSync(join(tmpdir(), "podrole-start-"));
  const images = mkdtempSync(join(tmpdir(), "podrole-images-"));
  try {
    if (values.cluster === undefined) runNodeScript("up", cluster);
    const environment = parseEnv(readFileSync(join(cluster, "environment"), "utf8"));
    if (values.images) {
      const { archives } = await buildImages(environment["IMAGES"] ?? "", images);
      runNodeScript("load", cluster, ...archives);
    }
    await run(environment, { ...values, groups: values.groups.split(",") });
  } finally {
    if (values.cluster === undefined) {
      runNodeScript("down", cluster);
      rmSync(cluster, { recursive: true, force: true });
    }
    rmSync(images, { recursive: true, force: true });
  }
}

await main();
