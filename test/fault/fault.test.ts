// npm run test:fault: every row of rows/ happens to the real programs while an app requests credentials ten times a second
// and a new pod starts. A row is healed if no request failed while the app had valid credentials, the operator could see
// what the row says, and without anybody's help the new pod has credentials and all programs are ready.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { measuredNow } from "../published-results.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import { type Newcomer, startNewcomer } from "./newcomer.ts";
import { isServed, markLogs, movedSeries, readMetric, untilFresh, watchApp } from "./observe.ts";
import { type FaultResult, faultResults } from "./results.ts";
import type { End, FaultRow } from "./row.ts";
import { AWS_ROWS } from "./rows/aws.ts";
import { CLUSTER_ROWS } from "./rows/cluster.ts";
import { PROGRAM_ROWS } from "./rows/programs.ts";
import { type FaultWorld, openFaultWorld } from "./world.ts";

const ROWS: readonly FaultRow[] = [...CLUSTER_ROWS, ...AWS_ROWS, ...PROGRAM_ROWS];
const isShort = process.env["PODROLE_FAULT"] === "short";
const only = process.env["PODROLE_FAULT_ROW"] ?? "";
const LASTS_MS = 8_000;
/** Until when everything must be well again by itself. */
const HEALED_MS = 75_000;
/** A line may be written shortly after the end. */
const LINE_MS = 3_000;

const results: FaultResult[] = [];
let world: FaultWorld;

async function isReady(port: number | undefined): Promise<boolean> {
  const response = sendRequest(port ?? 0, { path: "/readyz" }).then(
    ({ status }) => status === 200,
    () => false,
  );
  return Promise.race([response, delay(1_000, false)]);
}

async function isWell({ isHealed = () => true }: FaultRow): Promise<boolean> {
  const pages = [...world.servers, world.programs.cluster.webhook].map(({ ports }) => isReady(ports["pages"]));
  return (await Promise.all([...pages, isServed(world.app)])).every((isGood) => isGood) && isHealed(world);
}

/** Returns the milliseconds until `condition`, or undefined if it does not come in time. */
async function timeUntil(condition: () => Promise<boolean>, from: number): Promise<number | undefined> {
  while (performance.now() - from < HEALED_MS) {
    if (await condition()) return Math.round(performance.now() - from);
    await delay(100);
  }
  return undefined;
}

function lastLine({ sidecars }: Newcomer): string {
  return JSON.stringify(sidecars.at(-1)?.program.lines.at(-1) ?? "it was not created");
}

async function happen(row: FaultRow): Promise<readonly string[]> {
  const held = await untilFresh(world.app);
  const watching = new AbortController();
  const app = watchApp(world.app, watching.signal, held);
  const logs = markLogs(world);
  const before = row.metric && (await readMetric(world, row.metric));
  let end: End;
  try {
    end = await row.begin(world);
  } catch (error) {
    watching.abort();
    throw error;
  }
  const began = performance.now();
  const newcomer = startNewcomer(world);
  let servedAt = Number.POSITIVE_INFINITY;
  void newcomer.served.then((moment) => {
    servedAt = moment;
  });
  await delay(row.lastsMs ?? LASTS_MS);
  await end();
  const ended = performance.now();
  const newcomerMs = await timeUntil(async () => servedAt < Number.POSITIVE_INFINITY, ended);
  const wellMs = await timeUntil(() => isWell(row), ended);
  const after = row.metric && (await readMetric(world, row.metric));
  if (row.log !== undefined && logs.find(row.log, newcomer.sidecars) === undefined) await delay(LINE_MS);
  const line = row.log && logs.find(row.log, newcomer.sidecars);
  const series = row.metric && before && after && movedSeries(before, after, row.metric);
  watching.abort();
  const requests = await app.ended;
  await newcomer.close();

  const wasServedMeanwhile = servedAt < ended;
  const problems = [
    ...(requests.count === 0 ? ["the app made no request"] : []),
    ...(requests.failures > 0 && row.appFails === undefined
      ? [
          `${requests.failures} of ${requests.count} requests failed with valid credentials: ${[...requests.reasons].join(", ")}`,
        ]
      : []),
    ...(newcomerMs === undefined
      ? [`the new pod has no credentials ${HEALED_MS / 1000} s after the end: ${lastLine(newcomer)}`]
      : []),
    ...(wellMs === undefined
      ? [`a program is not ready, or an object not repaired, ${HEALED_MS / 1000} s after the end`]
      : []),
    ...(row.newcomer === "served" && !wasServedMeanwhile ? ["the new pod had to wait for the end"] : []),
    ...(row.newcomer === "waits" && wasServedMeanwhile ? ["the new pod got credentials: the fault had no effect"] : []),
    ...(row.log !== undefined && line === undefined ? [`no line of ${row.log.from} matches ${row.log.pattern}`] : []),
    ...(row.metric !== undefined && series === undefined ? [`${row.metric.name} did not move`] : []),
  ];
  results.push({
    id: row.id,
    title: row.title,
    lastedMs: Math.round(ended - began),
    requests: requests.count,
    failures: requests.failures,
    reasons:
      row.appFails === undefined ? [...requests.reasons] : [`${row.appFails}: ${[...requests.reasons].join(", ")}`],
    newcomerMs: Math.round(servedAt - ended),
    healedMs: Math.max(newcomerMs ?? HEALED_MS, wellMs ?? HEALED_MS),
    operator: [
      ...(row.log && line ? [`${row.log.from}: ${String(line["code"] ?? line["message"])}`] : []),
      ...(series ? [series] : []),
      ...(row.alert ? [row.alert] : []),
    ],
    verdict: problems.length === 0 ? "healed" : "broken",
  });
  return problems;
}

suite(`faults, ${isShort ? "short" : "long"}`, { concurrency: false }, () => {
  before(async () => {
    world = await openFaultWorld();
  });
  after(async () => {
    await world?.close();
    console.table(
      Object.fromEntries(
        results.map(({ id, title: _title, operator, reasons: _reasons, ...rest }) => [
          id,
          { ...rest, operator: operator.length },
        ]),
      ),
    );
    if (process.env["PODROLE_FAULT_PUBLISH"] !== "true") return;
    faultResults.write({ ...measuredNow(), rows: results });
  });

  for (const row of ROWS.filter(({ id, isShort: isInShort }) => id.includes(only) && (!isShort || isInShort))) {
    test(row.title, async () => {
      const problems = await happen(row);
      const { newcomerMs, healedMs, requests, failures } = results.at(-1) ?? {};
      console.log(
        `${row.id}: ${failures} of ${requests} failed, new pod ${newcomerMs} ms, well ${healedMs} ms after the end`,
      );
      assert.deepEqual(problems, []);
    });
  }
});
