// npm run bench:cpu: CPU time of a sidecar's start and of a renewal, user and system, beside Node processes that do
// nothing, and beside the smallest programs that do the same without podrole. Each start has a cgroup of its own (needs
// root), so other load on the machine changes little. The programs are the bundles of the images, with the images'
// flags.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { renewalFlags } from "../../../src/sidecar/node-flags.ts";
import { type Cgroup, createCgroup } from "../../cgroup.ts";
import { ROOT } from "../../files.ts";
import { freePort } from "../../loopback.ts";
import { FROM_SOURCES, openPrograms, type Programs, type RunningSidecar } from "../../programs.ts";
import { quantile } from "../../quantile.ts";
import { compareFigures, type Figure, figuresNow } from "../figures.ts";
import { type BarePrograms, buildBarePrograms } from "./bare-programs.ts";
import { type CpuRow, cpuFigures } from "./cpu-figures.ts";
import { type Distribution, distributionOf } from "./distribution.ts";
import { IMAGE_FLAGS } from "./image-flags.ts";

const MEMORY = 512 * 1024 * 1024;
const ENTRYPOINT = [...IMAGE_FLAGS, join(ROOT, "dist/sidecar/main.cjs")];

interface Times {
  /** Three `node -e 0`. */
  readonly reference: number;
  /** A server of node:http until it listens, and one call by grpc-js. */
  readonly bareStart: number;
  /** Serving process and hook, of which the hook does the first renewal, until the hook has ended. */
  readonly start: number;
  /** One call by grpc-js. */
  readonly bareCall: number;
  /** One more renewal, with the certificate of the first one. */
  readonly renewal: number;
  /** A renewal that proves the pod with its token and a new key, as one does at half of the certificate's lifetime. */
  readonly tokenRenewal: number;
  /** A renewal after the kubelet has replaced the pod certificate: the file is read, and one call made. */
  readonly certificateRenewal: number;
}

/** How the programs of one start are run: in one cgroup. */
interface BareRun {
  readonly launcher: string;
  readonly bare: BarePrograms;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the server until it listens and then ends it, so that its end costs nothing, as podrole-sidecar's does. */
async function runBareServer({ launcher, bare, env }: BareRun): Promise<void> {
  const port = await freePort();
  const own = { ...env, BARE_PORT: String(port), BARE_BODY_BYTES: "1200" };
  const child = spawn(launcher, [...IMAGE_FLAGS, bare.server], { env: own, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await ended;
}

function runBareCall({ launcher, bare, env }: BareRun): void {
  const { status } = spawnSync(launcher, [...IMAGE_FLAGS, bare.call], { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new RangeError(`Cannot measure: the bare call ended with ${status}; expected 0`);
}

/** Writes a script that joins the groups named by the variable CGROUP_FILES and becomes Node. */
function writeLauncher(directory: string): string {
  const path = join(directory, "in-group.sh");
  writeFileSync(
    path,
    `#!/bin/sh\nfor file in $CGROUP_FILES; do echo $$ > $file; done\nexec ${process.execPath} "$@"\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

async function measureOne(
  programs: Programs,
  { launcher, bare }: Pick<BareRun, "launcher" | "bare">,
  index: number,
): Promise<Times> {
  const group = createCgroup(`podrole-bench-${process.pid}-${index}`, { bytes: MEMORY });
  const env = { CGROUP_FILES: group.joinFiles.join(" ") };
  const since = counter(group);
  for (let count = 0; count < 3; count++) spawnSync(launcher, ["-e", "0"], { env });
  const reference = since();
  const pod = await programs.createPod({ name: `app-${index}`, roles: { app: "shop-app" } });
  since();
  const sidecar = await programs.startSidecar(pod, { waits: false, env });
  const code = await sidecar.run("wait");
  if (code !== 0) throw new RangeError(`Cannot measure: the hook ended with ${code}; expected 0`);
  const start = since();
  await runRenewal(sidecar);
  const renewal = since();
  const identity = join(sidecar.directory, "identity");
  const certified = writeKubeletFiles(
    pod.env["PODROLE_TRUST_BUNDLE"] ?? "",
    identity,
    join(sidecar.directory, "certified"),
  );
  rmSync(join(identity, "identity.pem"));
  await runRenewal(sidecar);
  const tokenRenewal = since();
  await runRenewal(sidecar, certified);
  const certificateRenewal = since();
  const run = { launcher, bare, env: { ...env, ...pod.env, PODROLE_IDENTITY_DIRECTORY: identity } };
  runBareCall(run);
  const bareCall = since();
  await runBareServer(run);
  const bareStart = bareCall + since();
  await sidecar.close();
  group.remove();
  return { reference, bareStart, start, bareCall, renewal, tokenRenewal, certificateRenewal };
}

/** Runs one renewal, which must end with credentials. */
async function runRenewal(sidecar: RunningSidecar, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const file = join(sidecar.directory, "identity/credentials.json");
  const before = statSync(file).mtimeMs;
  const code = await sidecar.run("renew", renewalFlags, env);
  const { containers } = JSON.parse(readFileSync(file, "utf8")) as { readonly containers: readonly object[] };
  const isRenewed = statSync(file).mtimeMs > before && containers.every((each) => !("refusal" in each));
  if (code !== 0 || !isRenewed)
    throw new RangeError(`Cannot measure: the renewal ended with ${code}; expected credentials`);
}

/** Writes key, chain and bundle as the kubelet would, and returns the variables of a sidecar that reads them. */
function writeKubeletFiles(trustBundle: string, identity: string, directory: string): NodeJS.ProcessEnv {
  mkdirSync(directory);
  const [certificate, bundle] = [join(directory, "credentials.pem"), join(directory, "bundle.pem")];
  copyFileSync(join(identity, "identity.pem"), certificate);
  writeFileSync(bundle, trustBundle);
  return {
    PODROLE_CERTIFICATE_FILE: certificate,
    PODROLE_TRUST_BUNDLE_FILE: bundle,
    PODROLE_PROOF_FILE: undefined,
    PODROLE_TRUST_BUNDLE: undefined,
  };
}

/** Returns a function that returns the group's CPU milliseconds since its last call. */
function counter(group: Cgroup): () => number {
  let last = group.usage().cpuMs;
  return () => {
    const before = last;
    last = group.usage().cpuMs;
    return last - before;
  };
}

async function main(): Promise<void> {
  const { starts, publish } = startScript("bench:cpu").values;
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`Cannot build the bundles: ${build.stderr}`);
  const directory = mkdtempSync(join(tmpdir(), "podrole-bench-"));
  const run = { launcher: writeLauncher(directory), bare: await buildBarePrograms(directory) };
  const programs = await openPrograms({
    launch: { ...FROM_SOURCES, sidecar: { execPath: run.launcher, args: ENTRYPOINT } },
    roles: ["shop-app"],
  });
  const all: Times[] = [];
  try {
    // The first start only warms the server and file caches; it is not counted.
    for (let index = 0; index <= starts; index++) {
      const times = await measureOne(programs, run, index);
      if (index > 0) all.push(times);
    }
  } finally {
    await programs.close();
    rmSync(directory, { recursive: true, force: true });
  }
  report(all, publish);
}

/** Each row, and the row that it is compared with. */
const ROWS = [
  ["three times node -e 0", "reference"],
  ["a bare server, and a bare call", "bareStart", "reference"],
  ["serve, and the hook with the first renewal", "start", "reference"],
  ["the same, beside the bare programs", "start", "bareStart"],
  ["one bare call", "bareCall"],
  ["one renewal", "renewal", "bareCall"],
  ["one renewal with a token and a new key", "tokenRenewal", "bareCall"],
  ["one renewal with a pod certificate", "certificateRenewal", "bareCall"],
  ["one renewal with a pod certificate, beside the one with a token", "certificateRenewal", "tokenRenewal"],
] as const;

function report(all: readonly Times[], isPublished: boolean): void {
  const rows: Record<string, Distribution & { readonly ratio?: number }> = {};
  const figures: Figure[] = [];
  const compared: CpuRow[] = [];
  const distribution = (key: keyof Times) => distributionOf(all.map((times) => times[key]));
  for (const [name, key, reference] of ROWS) {
    // Of each start, because what else runs on the machine changes from one to the next.
    const ratios = reference && all.map((times) => times[key] / times[reference]);
    const ratio = ratios && Math.round(quantile(ratios, 0.5) * 100) / 100;
    rows[name] = { ...distribution(key), ...(ratio !== undefined && { ratio }) };
    // The bare programs are the reference, so a change of theirs says nothing about podrole.
    const isOwn = key === "start" || key.toLowerCase().endsWith("renewal");
    if (!isOwn || ratio === undefined || reference === undefined) continue;
    figures.push({ what: `CPU, ${name}`, value: ratio, unit: "times", better: "lower" });
    const referenceName = ROWS.find((row) => row[1] === reference)?.[0] ?? reference;
    const [ms, referenceMs] = [distribution(key).median, distribution(reference).median];
    compared.push({ what: name, ms, reference: referenceName, referenceMs });
  }
  const measured = figuresNow(figures);
  console.log(`CPU ms of ${all.length} starts; ${measured.machine}`);
  console.table(rows);
  for (const line of compareFigures(cpuFigures.find(), figures)) console.log(line);
  if (isPublished) cpuFigures.write({ ...measured, rows: compared });
}

await main();
