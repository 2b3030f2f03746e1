// What can be seen of a fault from outside: the app's requests, and the programs' logs and metrics.
import { setTimeout as delay } from "node:timers/promises";
import type { RunningProgram } from "../../emulators/start-program.ts";
import type { RunningSidecar } from "../programs.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import type { FaultRow, LogSource } from "./row.ts";
import type { FaultWorld } from "./world.ts";

const PERIOD_MS = 100;
/** Lines of each program that warnings() returns, and characters of each. */
const MAX_WARNINGS = 5;
const MAX_WARNING_LENGTH = 400;
/** More than a whole back-off of a sidecar whose last renewals have failed. */
const FRESH_WITHIN_MS = 180_000;
/** A sidecar returns no credentials in the last 5 s of their life, and clocks have a resolution. */
const UNSERVED_MS = 6_000;
const FRESH_MS = 20_000;

/** The requests of an app, from its start on. */
export interface AppRequests {
  readonly count: number;
  /** Requests that failed although the credentials of an earlier answer were still valid. */
  readonly failures: number;
  /** What those got, each once. */
  readonly reasons: ReadonlySet<string>;
  /** Requests without valid credentials, which nothing could serve. */
  readonly unservable: number;
}

/** How an app requests credentials. */
export interface AppOptions {
  /** Expiry of the credentials that it has already, in Unix milliseconds. */
  readonly expiresAt: number;
  /** How long it waits for an answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** Requests credentials ten times a second, as an app without a cache does, until `signal` is aborted. */
export function watchApp(
  app: RunningSidecar,
  signal: AbortSignal,
  options: AppOptions,
): { readonly ended: Promise<AppRequests> } {
  const seen = { count: 0, failures: 0, reasons: new Set<string>(), unservable: 0 };
  const { timeoutMs } = options;
  let { expiresAt } = options;
  async function request(): Promise<void> {
    seen.count += 1;
    const outcome = await Promise.race([ask(app), delay(timeoutMs, `no answer within ${timeoutMs / 1000} s`)]);
    if (typeof outcome !== "string") {
      expiresAt = outcome.expiresAt;
    } else if (Date.now() < expiresAt - UNSERVED_MS) {
      seen.failures += 1;
      seen.reasons.add(outcome);
    } else {
      seen.unservable += 1;
    }
  }
  async function loop(): Promise<AppRequests> {
    while (!signal.aborted) {
      await request();
      await delay(PERIOD_MS);
    }
    return seen;
  }
  return { ended: loop() };
}

/**
 * Waits until the app has credentials that are valid for 20 s more, so that they outlast a fault of 8 s, and returns
 * their expiry. Rejects after 3 minutes.
 */
export async function untilFresh(app: RunningSidecar): Promise<{ readonly expiresAt: number }> {
  const deadline = performance.now() + FRESH_WITHIN_MS;
  for (;;) {
    const outcome = await ask(app);
    if (typeof outcome !== "string" && outcome.expiresAt - Date.now() > FRESH_MS) return outcome;
    if (performance.now() > deadline) throw new Error(`the app has no fresh credentials: ${JSON.stringify(outcome)}`);
    await delay(PERIOD_MS);
  }
}

async function ask(app: RunningSidecar): Promise<string | { readonly expiresAt: number }> {
  try {
    const { status, body } = await sendRequest(app.port, { token: await app.token("app") });
    return status === 200 ? { expiresAt: Date.parse(body["Expiration"] ?? "") } : `${status} ${body["code"] ?? ""}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Reports whether the sidecar has credentials. */
export async function servesCredentials(sidecar: RunningSidecar): Promise<boolean> {
  const path = { path: "/readyz" };
  return sendRequest(sidecar.healthPort, path).then(
    ({ status }) => status === 200,
    () => false,
  );
}

const SOURCES = ["server", "webhook", "sidecar"] as const;

function programsOf(
  world: FaultWorld,
  source: LogSource,
  newcomers: readonly RunningSidecar[],
): readonly RunningProgram[] {
  if (source === "server") return world.servers;
  if (source === "webhook") return [world.programs.cluster.webhook];
  return [world.app, ...newcomers].map(({ program }) => program);
}

/** What the programs log after a moment. */
export interface LaterLogs {
  /** Returns the first line of such a program, of level warn or higher, that matches. */
  find(
    wanted: NonNullable<FaultRow["log"]>,
    newcomers: readonly RunningSidecar[],
  ): RunningProgram["lines"][0] | undefined;
  /** Returns the last such lines of every program as text, for a reader who does not know what went wrong. */
  warnings(newcomers: readonly RunningSidecar[]): readonly string[];
}

/** Returns what the programs log from now on. */
export function watchLogs(world: FaultWorld): LaterLogs {
  const marks = new Map<RunningProgram, number>();
  for (const source of SOURCES)
    for (const program of programsOf(world, source, [])) marks.set(program, program.lines.length);
  const warningsOf = (program: RunningProgram) =>
    program.lines.slice(marks.get(program) ?? 0).filter(({ level }) => typeof level !== "number" || level >= 40);
  return {
    find: ({ from, pattern }, newcomers) =>
      programsOf(world, from, newcomers)
        .flatMap(warningsOf)
        .find((line) => pattern.test(JSON.stringify(line))),
    warnings: (newcomers) =>
      SOURCES.flatMap((source) =>
        programsOf(world, source, newcomers).flatMap((program) =>
          warningsOf(program)
            .filter(({ audit }) => audit === undefined)
            .slice(-MAX_WARNINGS)
            .map((line) => `${source} ${program.pid}: ${JSON.stringify(line).slice(0, MAX_WARNING_LENGTH)}`),
        ),
      ),
  };
}

type Metric = NonNullable<FaultRow["metric"]>;

/** Returns the series of a metric, over all programs that answer. */
export async function readMetric(world: FaultWorld, { from, name }: Metric): Promise<ReadonlyMap<string, number>> {
  const series = new Map<string, number>();
  for (const { ports } of programsOf(world, from, [])) {
    const text = await Promise.race([
      sendRequest(ports["pages"] ?? 0, { path: "/metrics" }).then(
        (response) => response.text,
        () => "",
      ),
      delay(2_000, ""),
    ]);
    for (const [, key = "", value = ""] of text.matchAll(new RegExp(`^(${name}(?:\\{[^}]*\\})?) (\\S+)$`, "gm")))
      series.set(key, (series.get(key) ?? 0) + Number(value));
  }
  return series;
}

/** Returns the series that moved as the row says, or undefined. */
export function movedSeries(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  { moves }: Metric,
): string | undefined {
  const isMoved = (from: number, to: number) => (moves === "rises" ? to > from : to < from);
  return [...after].find(([key, value]) => !key.includes('"OK"') && isMoved(before.get(key) ?? 0, value))?.[0];
}
