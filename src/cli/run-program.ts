// Runs one long-running program: settings read and checked, log and audit opened, signals connected, start, wait, stop.
import pretty from "pino-pretty";
import type { DestinationStream } from "pino";
import { sleep, systemClock } from "../runtime/clock.ts";
import type { LogLevel } from "../runtime/line-log.ts";
import { createAudit, createLog } from "../runtime/log.ts";
import { readSettings, type Settings, type SettingTable } from "../runtime/settings.ts";
import { createShutdown, type ProgramDeps } from "../runtime/shutdown.ts";
import type { Terminal } from "./terminal.ts";

export interface Program<Table extends SettingTable> {
  readonly name: string;
  readonly table: Table;
  /** Problems of settings that are fine alone and wrong together. */
  readonly crossCheck: (settings: Settings<Table>) => readonly string[];
  readonly start: (deps: ProgramDeps, settings: Settings<Table>) => Promise<unknown>;
}

interface LogSettings {
  readonly level: LogLevel;
  readonly jsonLog: boolean;
  readonly shutdownDelay: number;
}

/** Kubernetes gives 30 s from SIGTERM to SIGKILL. */
const STOP_WITHIN_MS = 25_000;

/** Resolves with the exit code when the program has stopped. */
export async function runProgram<Table extends SettingTable>(
  terminal: Terminal,
  flags: Readonly<Record<string, string>>,
  { name, table, crossCheck, start }: Program<Table>,
): Promise<number> {
  const read = readSettings(table, flags, terminal.env);
  const problems = read.ok ? crossCheck(read.settings) : read.problems;
  if (!read.ok || problems.length > 0) {
    terminal.err(
      `podrole ${name}: the settings cannot be used:\n${problems.map((problem) => `  ${problem}\n`).join("")}`,
    );
    terminal.err(`See podrole ${name} --help\n`);
    return 2;
  }
  const { level, jsonLog, shutdownDelay } = read.settings as unknown as LogSettings;
  const destination = logDestination(terminal, jsonLog);
  const log = createLog(name, level, destination);
  const shutdown = createShutdown({ clock: systemClock, log }, { deadlineMs: STOP_WITHIN_MS });
  // A signal counts while the program starts as well: it may be waiting for what never comes.
  const interrupted = interruption(terminal.interrupted);
  const deps = { clock: systemClock, log, audit: createAudit(name, destination), shutdown };
  const started = start(deps, read.settings).then(() => true);
  try {
    const isUp = await Promise.race([started, interrupted.then(() => false)]);
    if (!isUp) {
      // What start() still meets on its way out is no failure any more.
      started.catch((error: unknown) => log.debug({ err: error }, "the start was given up"));
      await shutdown.stop("signal");
      return 0;
    }
  } catch (error) {
    log.error({ err: error }, `podrole ${name} could not start`);
    await shutdown.stop("failed to start");
    return 1;
  }
  await interrupted;
  if (shutdownDelay > 0) log.info({ shutdownDelayMs: shutdownDelay }, "answering on until others have taken over");
  await sleep(systemClock, shutdownDelay);
  await shutdown.stop("signal");
  return 0;
}

function logDestination({ out }: Terminal, json: boolean): DestinationStream {
  if (json) return { write: out };
  const format = pretty.prettyFactory({ colorize: false, messageKey: "message", ignore: "program" });
  return { write: (line) => out(format(line)) };
}

function interruption(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
