// What the sidecar costs in a pod, beside a bare node:http server with the same flags: `node test/bench/sidecar/main.ts`
// prints a table in about 40 s. Figures compare within one run only; the machine decides about the rest.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { buildSidecar } from "../../../scripts/build-sidecar.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { runInit } from "../../../src/sidecar/init.ts";
import { createFakePod, type FakePod } from "../../sidecar/fake-pod.ts";
import { granted, startFakeServer } from "../../sidecar/fake-server.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { load, type LoadResult, type Target } from "./load.ts";
import { cpuMs, privateMegabytes, start, stop } from "./process.ts";

const PORT = 29_763;
const FLAGS: readonly (readonly string[])[] = [["--lite-mode"], ["--single-threaded", "--max-semi-space-size=1"], []];
const REPEAT = 3;
const BURST_MS = 1_500;

interface Row {
  readonly program: string;
  readonly flags: string;
  readonly figures: Readonly<Record<string, number>>;
}

async function measure(args: readonly string[], env: Readonly<Record<string, string>>, target: Target) {
  const measured = await start(args, env, target);
  const pid = measured.child.pid ?? 0;
  const atStart = await privateMegabytes(pid);
  const cpu = await cpuMs(pid);
  await load(target, { connections: 1, requests: 1_000 });
  const after1000 = await privateMegabytes(pid);
  const single = await load(target, { connections: 1, requests: 3_000 });
  const burst = await load(target, { connections: 16, durationMs: BURST_MS });
  const afterBurst = await privateMegabytes(pid);
  await stop(measured);
  return { firstMs: measured.firstAnswerMs, cpu, atStart, after1000, afterBurst, ...figures(single, burst) };
}

function figures(single: LoadResult, burst: LoadResult) {
  return {
    rps: burst.requestsPerSecond,
    p50one: single.p50,
    p99one: single.p99,
    p50: burst.p50,
    p99: burst.p99,
  };
}

function median(rows: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const keys = Object.keys(rows[0] ?? {});
  return Object.fromEntries(
    keys.map((key) => {
      const sorted = rows.map((row) => row[key] ?? 0).toSorted((a, b) => a - b);
      return [key, sorted[Math.floor(sorted.length / 2)] ?? 0];
    }),
  );
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "podrole-bench-"));
  const server = await startFakeServer();
  server.grant = (container) => longGrant(container);
  let pod: FakePod | undefined;
  try {
    const sizes = await buildSidecar(join(directory, "sidecar"));
    await build({
      entryPoints: [join(import.meta.dirname, "bare.ts")],
      outfile: join(directory, "bare.cjs"),
      bundle: true,
      minify: true,
      format: "cjs",
      platform: "node",
    });
    pod = await createFakePod(server, { port: PORT, healthPort: PORT + 1, level: "info" });
    const exitCode = await runInit(
      { clock: systemClock, log: createKeptLog().log, signal: new AbortController().signal },
      pod.settings,
    );
    if (exitCode !== 0) throw new TypeError("init failed");
    const target = { port: PORT, path: "/v1/credentials", authorization: await pod.token("app") };
    const rows: Row[] = [];
    for (const flags of FLAGS) {
      const programs = {
        "bare node:http": {
          args: [join(directory, "bare.cjs")],
          env: { BARE_PORT: String(PORT), BARE_BODY_BYTES: "1200" },
        },
        "podrole-sidecar": { args: [join(directory, "sidecar/main.cjs"), "serve"], env: pod.env },
      };
      for (const [program, { args, env }] of Object.entries(programs)) {
        const runs: Readonly<Record<string, number>>[] = [];
        for (let run = 0; run < REPEAT; run++) runs.push(await measure([...flags, ...args], env, target));
        rows.push({ program, flags: flags.join(" ") || "none", figures: median(runs) });
      }
    }
    print(rows, sizes);
  } finally {
    await server.stop();
    await pod?.remove();
    await rm(directory, { recursive: true });
  }
}

/** As long as what STS really sends. */
function longGrant(container: string) {
  const grant = granted(container, { now: Date.now() });
  if (grant.result?.$case === "credentials") grant.result.credentials.sessionToken = "t".repeat(1_000);
  return grant;
}

function print(rows: readonly Row[], sizes: Readonly<Record<string, number>>): void {
  console.log("MB private = Private_Clean + Private_Dirty; latency in µs on 1 and on 16 connections\n");
  console.table(rows.map(({ program, flags, figures }) => ({ program, flags, ...figures })));
  console.log("bundle, bytes:");
  console.table(sizes);
}

await main();
process.exit();
