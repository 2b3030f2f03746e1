// npm run test:attack: every row of rows/ against the real programs, each in a cgroup with its memory limit, the
// attacker on one core, ordinary callers beside it. A row holds if nothing was killed, every ordinary call was served,
// and, in the long form, their p99 is at most three times its quiet value or 1 s, whichever is larger. The short form
// runs on machines that are busy with other work, so it prints the p99 and does not judge it, and lets callers wait
// longer than the real ones would: it judges memory, refusals and answers that never come.
import assert from "node:assert/strict";
import { cpus, release } from "node:os";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { measuredNow } from "../published-results.ts";
import { LARGE_OBJECTS, largeObjects } from "./large-objects.ts";
import { callFor, type Latencies, watchMemory } from "./measure.ts";
import { runPolicyCache } from "./policy-cache.ts";
import { type AttackResult, attackResults } from "./results.ts";
import { CROWD_ROWS } from "./rows/crowd.ts";
import type { AttackRow } from "./rows/row.ts";
import { SERVER_ROWS } from "./rows/server.ts";
import { SIDECAR_ROWS } from "./rows/sidecar.ts";
import { WEBHOOK_ROWS } from "./rows/webhook.ts";
import { runStarvation } from "./starvation.ts";
import { type AttackWorld, openAttackWorld, startAttacker } from "./world.ts";

const ROWS: readonly AttackRow[] = [...WEBHOOK_ROWS, ...SERVER_ROWS, ...CROWD_ROWS, ...SIDECAR_ROWS];
/** Where an attacker connects from: the ordinary callers connect from 127.0.0.1. */
const ADDRESSES = { own: "127.0.0.66", shared: "127.0.0.1" } as const;
type Address = keyof typeof ADDRESSES;

const isShort = process.env["PODROLE_ATTACK"] === "short";
const only = process.env["PODROLE_ATTACK_ROW"] ?? "";
const [QUIET_MS, BESIDE_MS] = isShort ? [1_000, 4_000] : [4_000, 15_000];
/** In the short form, the harder address: nothing tells the attacker from the others. */
const FROM: readonly Address[] = isShort ? ["shared"] : ["own", "shared"];
const MIB = 1024 * 1024;
const SLOWEST_P99_MS = 1_000;

const results: AttackResult[] = [];
let world: AttackWorld;

/** Runs one row from one address. Throws if it does not hold. */
async function attack(row: AttackRow, address: Address): Promise<void> {
  const { under, ordinary, also } = row;
  const { programs, groups, limits } = world;
  const callers = ordinary.map((name) => world.ordinary[name]);
  const quiet = await callFor(callers, QUIET_MS);
  const killedBefore = groups[under].usage().killed;
  (programs.cluster.kubernetes.audit as unknown[]).length = 0;
  for (const program of [programs.cluster.server, programs.cluster.webhook]) (program.lines as unknown[]).length = 0;

  const job = await row.job(world);
  const memory = watchMemory(groups[under]);
  const attacker = await startAttacker({ ...job, localAddress: ADDRESSES[address] });
  const from = performance.now();
  let beside: Latencies[];
  try {
    beside = await callFor(callers, BESIDE_MS);
  } finally {
    await attacker.stop();
  }
  const { peakBytes, cpuShare } = memory.stop();
  const seconds = (performance.now() - from) / 1000;
  const problems = [
    ...(groups[under].usage().killed > killedBefore ? ["the kernel killed it: out of memory"] : []),
    ...beside.flatMap((found, index) => problemsOf(found, quiet[index])),
    ...(also ? [also(world, seconds) ?? []].flat() : []),
  ];
  note(row, address, { quiet, beside, peakBytes, limitBytes: limits[under], cpuShare, problems });
  assert.deepEqual(problems, []);
}

function problemsOf({ name, failures, calls, failure, p99 }: Latencies, quiet: Latencies | undefined): string[] {
  const most = Math.max(3 * (quiet?.p99 ?? 0), SLOWEST_P99_MS);
  return [
    ...(failures > 0 ? [`${name}: ${failures} of ${calls} calls failed: ${failure.slice(0, 200)}`] : []),
    ...(!isShort && p99 > most ? [`${name}: p99 ${p99} ms; expected at most ${Math.round(most)} ms`] : []),
  ];
}

interface Measured {
  readonly quiet: readonly Latencies[];
  readonly beside: readonly Latencies[];
  readonly peakBytes: number;
  readonly limitBytes: number;
  readonly cpuShare: number;
  readonly problems: readonly string[];
}

/** Keeps the result for the table: of several ordinary callers, the slowest. */
function note(
  { id, title, under }: Pick<AttackRow, "id" | "title" | "under">,
  address: string,
  measured: Measured,
): void {
  const slowest = measured.beside.reduce((worst, one) => (one.p99 > worst.p99 ? one : worst));
  const before = measured.quiet.find(({ name }) => name === slowest.name) ?? slowest;
  const sum = (count: (one: Latencies) => number) => measured.beside.reduce((total, one) => total + count(one), 0);
  const result: AttackResult = {
    ...{ id, title, program: under === "sidecarWithout" ? "sidecar" : under, address },
    peakMib: Math.round(measured.peakBytes / MIB),
    limitMib: Math.round(measured.limitBytes / MIB),
    ...{ quietP50: before.p50, quietP99: before.p99, besideP50: slowest.p50, besideP99: slowest.p99 },
    ...{ calls: sum(({ calls }) => calls), failures: sum(({ failures }) => failures) },
    cpu: Math.round(measured.cpuShare * 100) / 100,
    verdict: measured.problems.length === 0 ? "held" : "broken",
  };
  results.push(result);
  const { peakMib, limitMib, quietP50, quietP99, besideP50, besideP99, calls, failures, cpu, verdict } = result;
  console.log(
    `${verdict}: ${id} (${address}): peak ${peakMib} of ${limitMib} MiB, ${slowest.name} p50/p99 ${besideP50}/${besideP99} ms ` +
      `(quiet ${quietP50}/${quietP99}), ${failures} of ${calls} failed, CPU ${cpu}`,
  );
}

/** A program that an attack killed would fail every later row as well. */
async function renew(): Promise<void> {
  const checks = Object.values(world.ordinary).map(async ({ call }) => call());
  const isWell = await Promise.race([
    Promise.all(checks).then(
      () => true,
      () => false,
    ),
    delay(5_000, false),
  ]);
  if (isWell) return;
  await world.close();
  world = await openAttackWorld({ isPatient: isShort });
}

suite(`attacks, ${isShort ? "short" : "long"}`, { concurrency: false }, () => {
  before(async () => {
    world = await openAttackWorld({ isPatient: isShort });
  });
  after(async () => {
    await world?.close();
    console.table(
      Object.fromEntries(results.map(({ id, title: _title, address, ...rest }) => [`${id} (${address})`, rest])),
    );
    if (process.env["PODROLE_ATTACK_PUBLISH"] === "true") publish();
  });

  for (const row of ROWS.filter(({ id, isLongOnly }) => id.includes(only) && !(isShort && isLongOnly))) {
    for (const address of FROM) {
      test(`${row.title} (address: ${address})`, async () => {
        await renew();
        await attack(row, address);
      });
    }
  }

  const special = {
    "policy-cache": runPolicyCache,
    ...(!isShort && Object.fromEntries(LARGE_OBJECTS.map((name) => [name, largeObjects(name)]))),
    "sts-starvation": runStarvation,
  };
  for (const [id, run] of Object.entries(special).filter(([id]) => id.includes(only))) {
    test(run.title, async () => {
      await renew();
      const measured = await run(world, isShort);
      note({ id, title: run.title, under: run.under }, "own", measured);
      assert.deepEqual(measured.problems, []);
    });
  }
});

function publish(): void {
  attackResults.write({
    ...measuredNow(),
    kernel: release(),
    cpu: `${cpus().length} × ${cpus()[0]?.model}`,
    seconds: BESIDE_MS / 1000,
    rows: results,
  });
}
