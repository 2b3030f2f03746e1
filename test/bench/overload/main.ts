// npm run bench:overload: what the server does with more callers than it can serve (root). Server and webhook are the
// bundles of the image, each in a cgroup with the memory limit of the manifests; the server has a part of a core, so
// that the clients of the same machine can offer it more than it can do. The Kubernetes API and STS are in this
// process, the sidecars in threads of it, so figures are comparable within one run only.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { type Cgroup, type CgroupLimits, createCgroup, preferThisProcess } from "../../cgroup.ts";
import { ROOT } from "../../files.ts";
import { memoryLimitOf, writeGroupLauncher } from "../../limited-programs.ts";
import { FROM_SOURCES, openPrograms, type Programs } from "../../programs.ts";
import { compareFigures, type Figure, figuresNow } from "../figures.ts";
import { type Crowd, startCrowd } from "./crowd.ts";
import { type OverloadRow, overloadResults } from "./results.ts";
import type { SidecarCall, ThreadPod } from "./tasks.ts";

const ROLES = Array.from({ length: 50 }, (_, index) => `shop-role-${index}`);
const STS_MS = 20;
const THREADS = 2;
/** Of all threads. */
const CALLERS = 32;
/** The overload comes from so many pods; their sessions are in the server's cache. */
const OFFERING_PODS = 512;
const MEASURE_MS = 8_000;
const PERCENT_LEFT = 5;

/** Starts the bundles in their groups. */
async function openLimited(cores: number) {
  const build = spawnSync(process.execPath, [join(ROOT, "scripts/build.ts")], { encoding: "utf8" });
  if (build.status !== 0) throw new RangeError(`the bundles cannot be built: ${build.stderr}`);
  const directory = mkdtempSync(join(tmpdir(), "podrole-overload-"));
  const group = (name: string, limits: CgroupLimits) =>
    createCgroup(`podrole-overload-${process.pid}-${name}`, { isPreferred: true, ...limits });
  const groups = {
    server: group("server", { bytes: memoryLimitOf("server"), cores }),
    webhook: group("webhook", { bytes: memoryLimitOf("webhook") }),
  };
  // With all its threads.
  const endPreference = preferThisProcess(`podrole-overload-${process.pid}-clients`);
  const execPath = writeGroupLauncher(directory, groups);
  const cli = { execPath, entry: join(ROOT, "dist/server/podrole.js") };
  const programs = await openPrograms({
    launch: { ...FROM_SOURCES, cli },
    roles: ROLES,
    // The limit of calls to STS is not what is measured.
    serverFlags: ["--sts-rate", "1000"],
  });
  return {
    programs,
    server: groups.server,
    async close() {
      await programs.close();
      for (const one of Object.values(groups)) one.remove();
      endPreference();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function main(): Promise<void> {
  const { values } = startScript("bench:overload");
  const { seconds, pods: count, cores, publish } = values;
  const limited = await openLimited(cores);
  const { programs, server } = limited;
  try {
    const pods = await createPods(programs, count);
    const rows = [
      ...(await offerTwice(programs, pods.slice(0, OFFERING_PODS), seconds)),
      ...(await expireAll(programs, pods)),
      ...memoryRows(server),
    ];
    console.table(rows, ["what", "expected", "measured", "isMet"]);
    const measured = figuresNow(rows.flatMap(({ figures = [] }) => figures));
    for (const line of compareFigures(overloadResults.read(), measured.figures)) console.log(line);
    if (publish) {
      const published = rows.map(({ figures: _figures, ...row }) => row);
      overloadResults.write({ ...measured, memoryMiB: memoryLimitOf("server") / 2 ** 20, cores, rows: published });
    }
    process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1;
  } finally {
    await limited.close();
  }
}

/** Creates the pods through the webhook, a few at a time. */
async function createPods(programs: Programs, count: number): Promise<readonly ThreadPod[]> {
  const pods: ThreadPod[] = [];
  let next = 0;
  async function create(): Promise<void> {
    for (let index = next++; index < count; index = next++) {
      const role = ROLES[index % ROLES.length] ?? "";
      const { name, token, identityPort } = await programs.createPod({ name: `pod-${index}`, roles: { app: role } });
      const { serverName, bundlePem } = identityPort;
      pods.push({ name, token: token.reveal(), serverName, bundlePem });
    }
  }
  await Promise.all(Array.from({ length: 8 }, create));
  return pods;
}

/** Resolves with the calls per second that a number of callers get, one after the other. */
async function capacityOf(crowd: Crowd, call: SidecarCall, address: string): Promise<number> {
  const callers = CALLERS / crowd.threads;
  const { calls, ms } = await crowd.run({ kind: "measure", call, address, callers, ms: MEASURE_MS });
  return (calls / ms) * 1_000;
}

/** Measures the capacity, and then offers twice as many calls. */
async function offerTwice(
  { cluster }: Programs,
  pods: readonly ThreadPod[],
  seconds: number,
): Promise<readonly OverloadRow[]> {
  const { identity, pages = 0 } = cluster.server.ports;
  const address = `127.0.0.1:${identity}`;
  const crowd = startCrowd(pods, THREADS);
  try {
    // Each pod twice at least: the second time, its session is in the cache.
    await crowd.run({ kind: "prove", address, callers: CALLERS / THREADS });
    const capacity = await capacityOf(crowd, "certificate", address);
    console.log(`capacity, certificate with credentials: ${capacity.toFixed(0)} per second`);
    const issuedBefore = await issuedBy(pages);
    const perSecond = (2 * capacity) / THREADS;
    const ends = await crowd.run({ kind: "offer", call: "certificate", address, perSecond, seconds });
    const worked = (await issuedBy(pages)) - issuedBefore;
    console.log(JSON.stringify(ends));
    return offerRows({ seconds, capacity, worked, ...ends });
  } finally {
    await crowd.close();
  }
}

interface Offered {
  readonly seconds: number;
  readonly capacity: number;
  /** Certificates that the server issued meanwhile. */
  readonly worked: number;
  readonly calls: number;
  readonly served: number;
  readonly servedInTime: number;
  /** Part of the time for which the busiest thread of the clients was busy. */
  readonly busy: number;
}

function offerRows({ seconds, capacity, worked, calls, served, servedInTime, busy }: Offered): readonly OverloadRow[] {
  const offered = calls / seconds / capacity;
  const share = servedInTime / seconds / capacity;
  const left = (worked - served) / worked;
  return [
    {
      what: `certificates with credentials, offered for ${seconds} s, of the capacity of ${capacity.toFixed(0)} per second`,
      expected: "2 times",
      measured: `${offered.toFixed(2)} times, the clients busy for ${percent(busy)} of it`,
      isMet: offered >= 1.95,
      figures: [higherIsBetter("capacity, certificate with credentials", capacity, "per second")],
    },
    {
      what: "served meanwhile, of the capacity",
      expected: "at least 80 %",
      measured: percent(share),
      isMet: share >= 0.8,
      figures: [higherIsBetter("served during the overload, of the capacity", 100 * share, "%")],
    },
    {
      what: "certificates issued to callers that had left",
      expected: `at most ${PERCENT_LEFT} %`,
      measured: percent(left),
      isMet: left <= PERCENT_LEFT / 100,
    },
  ];
}

/** Has all pods renew at once on a server that has just started: it has no sessions, and theirs have expired. */
async function expireAll({ cluster }: Programs, pods: readonly ThreadPod[]): Promise<readonly OverloadRow[]> {
  const crowd = startCrowd(pods, THREADS);
  try {
    const first = cluster.server.ports;
    await crowd.run({ kind: "prove", address: `127.0.0.1:${first["identity"]}`, callers: CALLERS / THREADS });
    cluster.sts.faults.set({ kind: "stall", ms: STS_MS });
    await cluster.server.stop();
    const measured = await cluster.startServer();
    const capacity = await capacityOf(crowd, "credentials", `127.0.0.1:${measured.ports["credentials"]}`);
    await measured.stop();
    const server = await cluster.startServer();
    const { ms, calls, busy, ...rest } = await crowd.run({
      kind: "renew",
      address: `127.0.0.1:${server.ports["credentials"]}`,
    });
    const attempts = (calls / pods.length).toFixed(1);
    console.log(`capacity, credentials of a new session: ${capacity.toFixed(0)} per second; ${attempts} attempts each`);
    console.log(JSON.stringify(rest));
    const limit = (1.5 * pods.length) / capacity;
    const percentOfCapacity = (100 * pods.length) / (ms / 1_000) / capacity;
    return [
      {
        what: `${pods.length} sidecars without credentials, ${ROLES.length} roles, STS at ${STS_MS} ms: until all are served`,
        expected: `at most ${limit.toFixed(1)} s: 1.5 × ${pods.length} ÷ the capacity of ${capacity.toFixed(0)} per second`,
        measured: `${(ms / 1_000).toFixed(1)} s, the clients busy for ${percent(busy)} of it`,
        isMet: ms / 1_000 <= limit,
        figures: [
          higherIsBetter("capacity, credentials of a new session", capacity, "per second"),
          higherIsBetter("sidecars served after the restart, of the capacity", percentOfCapacity, "%"),
        ],
      },
    ];
  } finally {
    await crowd.close();
  }
}

function memoryRows(server: Cgroup): readonly OverloadRow[] {
  const { killed, workingSet } = server.usage();
  return [
    {
      what: "servers killed for their memory",
      expected: "0",
      measured: `${killed}, at the end ${(workingSet / 2 ** 20).toFixed(0)} MiB`,
      isMet: killed === 0,
    },
  ];
}

/** The number of certificates that the server has issued. */
async function issuedBy(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^podrole_certificates_total\{code="ISSUED"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

/** One decimal, as published. */
function higherIsBetter(what: string, value: number, unit: string): Figure {
  return { what, value: Number(value.toFixed(1)), unit, better: "higher" };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

await main();
