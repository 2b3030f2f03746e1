// npm run test:fault: every row of rows/ happens to the real programs while an app requests credentials ten times a
// second and a new pod starts. A row is healed if no request failed while the app had valid credentials, the operator
// could see what the row says, and without anybody's help the new pod has credentials and all programs are ready.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { measuredNow } from "../published-results.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import { type Newcomer, startNewcomer } from "./newcomer.ts";
import { movedSeries, readMetric, servesCredentials, untilFresh, watchApp, watchLogs } from "./observe.ts";
import { type FaultResult, faultResults, withRows } from "./results.ts";
import type { End, FaultRow } from "./row.ts";
import { AWS_ROWS } from "./rows/aws.ts";
import { CLUSTER_ROWS } from "./rows/cluster.ts";
import { FILE_ROWS } from "./rows/files.ts";
import { NETWORK_ROWS } from "./rows/network.ts";
import { OWN_CREDENTIALS_ROWS } from "./rows/own-credentials.ts";
import { PROGRAM_ROWS } from "./rows/programs.ts";
import { REPLICA_ROWS } from "./rows/replicas.ts";
import { type FaultWorld, openFaultWorld } from "./world.ts";

const ROWS: readonly FaultRow[] = [
  ...CLUSTER_ROWS,
  ...AWS_ROWS,
  ...PROGRAM_ROWS,
  ...REPLICA_ROWS,
  ...NETWORK_ROWS,
  ...FILE_ROWS,
  ...OWN_CREDENTIALS_ROWS,
];
const isShort = process.env["PODROLE_FAULT"] === "short";
const only = process.env["PODROLE_FAULT_ROW"] ?? "";
const LASTS_MS = 8_000;
/** The most that a fault lasts beyond its own time, until its signs are there. */
const LASTS_LONGER_MS = 60_000;
/**
 * Until when everything must be well again by itself. In CI, whose machines may be slow, only that it gets well counts.
 */
const HEALED_MS = isShort ? 240_000 : 75_000;
/** The AWS SDKs wait for 1 s. */
const APP_TIMEOUT_MS = isShort ? 15_000 : 1_000;
/** A line or metric may follow the end. */
const SIGN_MS = 30_000;

const results: FaultResult[] = [];
let world: FaultWorld;

async function isReady(port: number | undefined): Promise<boolean> {
  const response = sendRequest(port ?? 0, { path: "/readyz" }).then(
    ({ status }) => status === 200,
    () => false,
  );
  return Promise.race([response, delay(1_000, false)]);
}

/** Returns what is not ready, or not repaired. */
async function findUnwell({ isHealed = () => true }: FaultRow): Promise<readonly string[]> {
  const programs = [
    ...world.servers.map(({ pid, ports }) => ({ name: `server ${pid}`, port: ports["pages"] })),
    { name: "the webhook", port: world.programs.cluster.webhook.ports["pages"] },
  ];
  const unready = await Promise.all(
    programs.map(async ({ name, port }) => ((await isReady(port)) ? [] : [`${name} is not ready`])),
  );
  return [
    ...unready.flat(),
    ...((await servesCredentials(world.app)) ? [] : ["the app's sidecar is not ready"]),
    ...(isHealed(world) ? [] : ["an object is not repaired"]),
  ];
}

/**
 * Waits for a condition; resolves with the milliseconds since `from`, or with undefined if it does not come in time.
 */
async function timeUntil(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  from: number = performance.now(),
): Promise<number | undefined> {
  for (;;) {
    if (await condition()) return Math.round(performance.now() - from);
    if (performance.now() - from > withinMs) return undefined;
    await delay(100);
  }
}

function lastLine({ sidecars }: Newcomer): string {
  return JSON.stringify(sidecars.at(-1)?.program.lines.at(-1) ?? "it was not created");
}

async function happen(row: FaultRow): Promise<readonly string[]> {
  const { expiresAt } = await untilFresh(world.app);
  const watching = new AbortController();
  const app = watchApp(world.app, watching.signal, { expiresAt, timeoutMs: APP_TIMEOUT_MS });
  const logs = watchLogs(world);
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
  const isNewcomerServed = () => servedAt < Number.POSITIVE_INFINITY;
  const findLine = () => row.log && logs.find(row.log, newcomer.sidecars);
  await delay(row.lastsMs ?? LASTS_MS);
  if (row.newcomer === "served") await timeUntil(isNewcomerServed, LASTS_LONGER_MS);
  if (row.newcomer === "waits" && row.log) await timeUntil(() => findLine() !== undefined, LASTS_LONGER_MS);
  await end();
  const ended = performance.now();
  const newcomerMs = await timeUntil(isNewcomerServed, HEALED_MS, ended);
  const wellMs = await timeUntil(async () => (await findUnwell(row)).length === 0, HEALED_MS, ended);
  if (row.log) await timeUntil(() => findLine() !== undefined, SIGN_MS);
  const line = findLine();
  let series: string | undefined;
  await timeUntil(async () => {
    series = row.metric && before && movedSeries(before, await readMetric(world, row.metric), row.metric);
    return row.metric === undefined || series !== undefined;
  }, SIGN_MS);
  const unwell = wellMs === undefined ? await findUnwell(row) : [];
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
      ? [`${HEALED_MS / 1000} s after the end: ${unwell.join(", ") || "everything is well only now"}`]
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
  return problems.length === 0 ? [] : [...problems, ...logs.warnings(newcomer.sidecars)];
}

function summaryOf({ id, failures, requests, newcomerMs, healedMs }: FaultResult): string {
  return `${id}: ${failures} of ${requests} failed, new pod ${newcomerMs} ms, well ${healedMs} ms after the end`;
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
    const now = measuredNow();
    const ids = ROWS.map(({ id }) => id);
    faultResults.write(only === "" ? { ...now, rows: results } : withRows(faultResults.read(), results, { ids, now }));
  });

  for (const row of ROWS.filter(({ id, isShort: isInShort }) => id.includes(only) && (!isShort || isInShort))) {
    test(row.title, async () => {
      const problems = await happen(row).catch((error: unknown) => [String(error)]);
      // A summary of failed tests, which is all that some CI pages show, has no diff.
      for (const problem of problems) console.log(`${row.id}: ${problem}`);
      const result = results.find(({ id }) => id === row.id);
      if (result !== undefined) console.log(summaryOf(result));
      assert.deepEqual(problems, []);
    });
  }
});
