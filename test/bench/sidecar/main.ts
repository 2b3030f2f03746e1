// The cost of the sidecar in a pod, compared with a bare node:http server with the same flags. `node
// test/bench/sidecar/main.ts` prints the tables in about a minute. Figures depend on the machine, so runs are compared
// by the ratio to the bare server. `--publish` writes results.json.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { buildSidecar } from "../../../scripts/build-sidecar.ts";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { HOUR_MS, systemClock } from "../../../src/runtime/clock.ts";
import { runInit } from "../../../src/sidecar/init.ts";
import { renewalFlags, SERVING_FLAGS } from "../../../src/sidecar/node-flags.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { publishedResults } from "../../published-results.ts";
import { createFakePod, type FakePod } from "../../sidecar/fake-pod.ts";
import { grantReply, startFakeServer } from "../../sidecar/fake-server.ts";
import { compareFigures, type Figure, figuresNow, type MeasuredFigures } from "../figures.ts";
import { type LoadTarget, runLoad } from "./load.ts";
import { cpuMs, measureUntilExit, privateMegabytes, startMeasured, stopMeasured } from "./process.ts";

const PORT = 29_763;
const ENDPOINT = { port: PORT, path: "/v1/credentials" };
const REPEAT = 3;
/** As in Dockerfile.sidecar. */
const SMALL_HEAP = "--max-semi-space-size=1";

/** Lifetime of certificates and credentials that are renewed about every 4 s, as those of an hour every half hour. */
const SHORT_MS = 8_000;
/** The most renewals per hour for a lifetime of one hour: those of certificate and credentials do not coincide. */
const RENEWALS_PER_HOUR = 4;

const AFTER_AN_HOUR = "after an hour's renewals and a burst";

type Figures = Readonly<Record<string, number>>;

/** The published figures. */
const sidecarFigures = publishedResults<MeasuredFigures>(join(import.meta.dirname, "results.json"));

/** Returns private MB, latency in µs on 1 connection, and requests per second on 16. */
async function serveFigures(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  target: LoadTarget,
): Promise<Figures> {
  const measured = await startMeasured(args, env, target);
  const pid = measured.child.pid ?? 0;
  const [atStart, cpu] = [await privateMegabytes(pid), await cpuMs(pid)];
  await runLoad(target, { connections: 1, requests: 1_000 });
  const after1000 = await privateMegabytes(pid);
  const single = await runLoad(target, { connections: 1, requests: 2_000 });
  const burst = await runLoad(target, { connections: 16, durationMs: 1_200 });
  const afterBurst = await privateMegabytes(pid);
  await stopMeasured(measured);
  const speed = { p50: single.p50, p99: single.p99, "requests/s": burst.requestsPerSecond, "p50 of 16": burst.p50 };
  return { "ms to answer": measured.firstAnswerMs, "CPU ms": cpu, atStart, after1000, afterBurst, ...speed };
}

/** Returns the private MB of the serving process after one renewal in a child process and a burst of requests. */
async function renewedFigures(args: readonly string[], pod: FakePod, target: LoadTarget): Promise<Figures> {
  const file = join(pod.settings.identityDirectory, "credentials.json");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll(/"renewAtMs":\d+/g, '"renewAtMs":0'));
  const measured = await startMeasured(args, pod.env, target);
  while ((await readFile(file, "utf8")).includes('"renewAtMs":0')) await sleep(20);
  await runLoad(target, { connections: 1, requests: 1_000 });
  await runLoad(target, { connections: 16, durationMs: 1_200 });
  const megabytes = await privateMegabytes(measured.child.pid ?? 0);
  await stopMeasured(measured);
  return { "after a renewal and a burst": megabytes };
}

/** Returns the private MB of the serving process after an hour's renewals, each with a new certificate, and a burst. */
async function hourFigures(args: readonly string[]): Promise<Figures> {
  server.certificateLifetimeMs = SHORT_MS;
  const pod = await createFakePod(server, { port: PORT, healthPort: PORT + 1, level: "info" });
  try {
    await initialise(pod);
    const target = targetOf(pod);
    const proofs = () => server.calls.filter((call) => call === "certificate").length;
    const enough = proofs() + RENEWALS_PER_HOUR;
    const measured = await startMeasured(args, pod.env, target);
    while (proofs() < enough) await sleep(20);
    server.certificateLifetimeMs = HOUR_MS;
    // The last of them returned a short certificate: after one more renewal, none is due under load.
    while (proofs() === enough) await sleep(20);
    await runLoad(target, { connections: 1, requests: 1_000 });
    await runLoad(target, { connections: 16, durationMs: 1_200 });
    const megabytes = await privateMegabytes(measured.child.pid ?? 0);
    await stopMeasured(measured);
    return { [AFTER_AN_HOUR]: megabytes };
  } finally {
    server.certificateLifetimeMs = HOUR_MS;
    await pod.remove();
  }
}

async function medianOf(measure: () => Promise<Figures>): Promise<Figures> {
  const runs: Figures[] = [];
  for (let run = 0; run < REPEAT; run++) runs.push(await measure());
  const middle = (key: string) => runs.map((run) => run[key] ?? 0).toSorted((a, b) => a - b)[REPEAT >> 1] ?? 0;
  return Object.fromEntries(Object.keys(runs[0] ?? {}).map((key) => [key, middle(key)]));
}

async function buildBare(outfile: string): Promise<string> {
  const options = { bundle: true, minify: true, format: "cjs", platform: "node" } as const;
  await build({ ...options, entryPoints: [join(import.meta.dirname, "bare.ts")], outfile });
  return outfile;
}

function targetOf({ settings }: FakePod): LoadTarget {
  return { ...ENDPOINT, tokenFile: join(settings.tokensDirectory, "app", "token") };
}

async function initialise({ settings }: FakePod): Promise<void> {
  const { signal } = new AbortController();
  const exitCode = await runInit({ clock: systemClock, log: createKeptLog().log, signal }, settings);
  if (exitCode !== 0) throw new TypeError("init failed");
}

async function measureAll(directory: string, pod: FakePod): Promise<void> {
  await initialise(pod);
  console.log("bundles, bytes");
  console.table((await buildSidecar(join(directory, "sidecar"))).sizes);

  const target = targetOf(pod);
  const sidecar = join(directory, "sidecar/main.cjs");
  const bare = await buildBare(join(directory, "bare.cjs"));
  const bareEnv = { BARE_PORT: String(PORT), BARE_BODY_BYTES: "1200" };
  const rows: Record<string, Figures> = {};
  const withFlags = { ...bareEnv, BARE_FLAGS: SERVING_FLAGS.join(" ") };
  rows["bare"] = await medianOf(() => serveFigures([bare], bareEnv, target));
  rows["bare with the sidecar's flags"] = await medianOf(() => serveFigures([SMALL_HEAP, bare], withFlags, target));
  rows["podrole"] = await medianOf(() => serveFigures([SMALL_HEAP, sidecar, "serve"], pod.env, target));
  console.log("serving: private MB (Private_Clean + Private_Dirty), µs");
  console.table(rows);

  const renewal = await medianOf(async () => ({
    ...(await measureUntilExit([...renewalFlags([]), sidecar, "renew"], pod.env)),
    ...(await renewedFigures([SMALL_HEAP, sidecar, "serve"], pod, target)),
  }));
  console.log("a renewal: the child process, and the serving process after it");
  const hour = await hourFigures([SMALL_HEAP, sidecar, "serve"]);
  console.table([{ ...renewal, ...hour }]);
  report(rows["bare with the sidecar's flags"] ?? {}, { ...rows["podrole"], ...hour });
}

function report(bare: Figures, podrole: Figures): void {
  const ratio = (what: string, [own, reference]: readonly [string, string], better: Figure["better"]): Figure => {
    const value = Math.round((100 * (podrole[own] ?? Number.NaN)) / (bare[reference] ?? Number.NaN)) / 100;
    return { what: `${what}, divided by that of the bare server`, value, unit: "times", better };
  };
  const figures = [
    ratio("sidecar, private memory after 1000 requests", ["after1000", "after1000"], "lower"),
    ratio("sidecar, private memory after an hour's renewals and a burst", [AFTER_AN_HOUR, "afterBurst"], "lower"),
    ratio("sidecar, requests per second on 16 connections", ["requests/s", "requests/s"], "higher"),
    ratio("sidecar, median latency", ["p50", "p50"], "lower"),
  ];
  const measured = figuresNow(figures);
  for (const { what, value, unit } of figures) console.log(`${what}: ${value} ${unit}`);
  for (const line of compareFigures(sidecarFigures.find(), figures)) console.log(line);
  if (values.publish) sidecarFigures.write(measured);
}

const { values } = startScript("test/bench/sidecar/main.ts");
const directory = await mkdtemp(join(tmpdir(), "podrole-bench-"));
const server = await startFakeServer();
server.grant = (container) => {
  const grant = grantReply(container, { now: Date.now(), lifetimeMs: server.certificateLifetimeMs });
  // As long as a session token of STS.
  if (grant.result?.$case === "credentials") grant.result.credentials.sessionToken = "t".repeat(1_000);
  return grant;
};
const pod = await createFakePod(server, { port: PORT, healthPort: PORT + 1, level: "info" });
try {
  await measureAll(directory, pod);
} finally {
  await server.stop();
  await pod.remove();
  await rm(directory, { recursive: true });
}
