// npm run bench:outage: how soon pods that wait for their first credentials have them after an outage of a minute and
// of an hour, of the server and of STS (root). Server, webhook and sidecars are the real programs, the sidecars as the
// image's bundle; they share the machine's cores with the emulators, and get CPU time before the rest of the machine.
// An hour is not waited for: each sidecar starts with the file in which an hour of failed renewals leaves the pace of
// its retries, and the outage then lasts more than a minute, until the sidecars' waits are those of a long outage and
// differ from pod to pod.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSidecar } from "../../../scripts/build-sidecar.ts";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { createPaceStore } from "../../../src/sidecar/files/pace-file.ts";
import { preferThisProcess } from "../../cgroup.ts";
import { FROM_SOURCES, openPrograms, type Programs, type RunningSidecar } from "../../programs.ts";
import { type Service, startService } from "../../story/service.ts";
import { compareFigures, figuresNow } from "../figures.ts";
import { type OutageRow, outageFigures, outageResults } from "./results.ts";

const ROLE = "shop-app";
/** After an outage of a minute, 9 of 10 pods. */
const MINUTE_LIMIT_MS = 5_000;
/** After an outage of an hour, every pod. */
const HOUR_LIMIT_MS = 40_000;
const LOOK_MS = 20;
const READY_WITHIN_MS = 120_000;
/** A long outage allows one renewal in this time. */
const LONG_WAIT_MS = 36_000;

type Length = "minute" | "hour";
type Cause = "server" | "STS";

interface World {
  readonly programs: Programs;
  readonly services: readonly Service[];
  readonly directory: string;
  readonly pods: number;
}

/** Begins an outage; the returned function ends it. */
async function begin({ programs, services }: World, cause: Cause): Promise<() => Promise<void>> {
  if (cause === "STS") {
    programs.cluster.sts.faults.set({ kind: "down" });
    return async () => programs.cluster.sts.faults.clear();
  }
  await Promise.all(services.map((service) => service.pause()));
  return async () => {
    await Promise.all(services.map((service) => service.resume()));
  };
}

/** Starts a pod's sidecar; `length`: how long it has failed, by its own account, before the outage ends. */
async function startWaiting({ programs, directory }: World, name: string, length: Length): Promise<RunningSidecar> {
  const pod = await programs.createPod({ name, roles: { app: ROLE } });
  const identity = mkdtempSync(join(directory, `${name}-`));
  if (length === "hour") {
    const now = Date.now();
    createPaceStore(identity).save({ failingSince: now - HOUR_MS, failures: 100, fullAt: now + HOUR_MS });
  }
  return programs.startSidecar(pod, { waits: false, env: { PODROLE_IDENTITY_DIRECTORY: identity } });
}

/** Resolves with the milliseconds from `from` until the sidecar has credentials. */
async function readyAfter({ pod, program }: RunningSidecar, from: number): Promise<number> {
  for (;;) {
    const elapsedMs = performance.now() - from;
    if (program.lines.some(({ message }) => message === "credentials are ready")) return Math.round(elapsedMs);
    if (elapsedMs > READY_WITHIN_MS) throw new RangeError(`pod ${pod.name} has no credentials: ${lastOf(program)}`);
    await sleep(LOOK_MS);
  }
}

function lastOf({ lines }: RunningSidecar["program"]): string {
  return JSON.stringify(lines.at(-1));
}

async function measure(world: World, cause: Cause, length: Length): Promise<OutageRow> {
  const end = await begin(world, cause);
  const sidecars: RunningSidecar[] = [];
  for (let index = 0; index < world.pods; index++) {
    sidecars.push(await startWaiting(world, `${cause.toLowerCase()}-${length}-${index}`, length));
    if (length === "hour") await sleep(LONG_WAIT_MS / world.pods);
  }
  await sleep(length === "hour" ? LONG_WAIT_MS + Math.random() * LONG_WAIT_MS : MINUTE_MS);
  const from = performance.now();
  await end();
  const readyMs = (await Promise.all(sidecars.map((sidecar) => readyAfter(sidecar, from)))).toSorted((a, b) => a - b);
  for (const sidecar of sidecars) await sidecar.close();
  return {
    outage: `${cause} unavailable for ${length === "hour" ? "an hour" : "a minute"}`,
    readyMs,
    ...verdict(length, readyMs),
  };
}

function verdict(length: Length, readyMs: readonly number[]): Pick<OutageRow, "expected" | "isMet"> {
  const most = readyMs[Math.ceil(0.9 * readyMs.length) - 1] ?? Number.POSITIVE_INFINITY;
  return length === "hour"
    ? { expected: `all within ${HOUR_LIMIT_MS / 1_000} s`, isMet: Math.max(...readyMs) <= HOUR_LIMIT_MS }
    : { expected: `9 of 10 within ${MINUTE_LIMIT_MS / 1_000} s`, isMet: most <= MINUTE_LIMIT_MS };
}

async function main(): Promise<void> {
  const { pods, publish } = startScript("bench:outage").values;
  const endPreference = preferThisProcess(`podrole-outage-${process.pid}`);
  const directory = mkdtempSync(join(tmpdir(), "podrole-outage-"));
  const [identity, credentials] = [await startService(), await startService()];
  await buildSidecar(join(directory, "sidecar"));
  const bundle = ["--max-semi-space-size=1", join(directory, "sidecar/main.cjs")];
  const programs = await openPrograms({
    launch: { ...FROM_SOURCES, sidecar: { execPath: process.execPath, args: bundle } },
    roles: [ROLE],
    front: async ({ ports }) => {
      identity.endpoints.push(ports["identity"] ?? 0);
      credentials.endpoints.push(ports["credentials"] ?? 0);
      return { identity: identity.address, credentials: credentials.address };
    },
  });
  try {
    const world = { programs, services: [identity, credentials], directory, pods };
    const rows: OutageRow[] = [];
    for (const cause of ["server", "STS"] as const) {
      for (const length of ["minute", "hour"] as const) {
        rows.push(await measure(world, cause, length));
        console.log(JSON.stringify(rows.at(-1)));
      }
    }
    const measured = figuresNow(outageFigures(rows));
    for (const line of compareFigures(outageResults.read(), measured.figures)) console.log(line);
    if (publish) outageResults.write({ ...measured, rows });
    process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1;
  } finally {
    await programs.close();
    await Promise.all([identity.close(), credentials.close()]);
    rmSync(directory, { recursive: true, force: true });
    endPreference();
  }
}

await main();
