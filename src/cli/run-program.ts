// Runs a long-running program: reads and checks its settings, opens log and audit, starts it, and stops it on a signal.

import type { DestinationStream } from "pino";
import pretty from "pino-pretty";
import { UnusableKubeconfig } from "../kubernetes/errors.ts";
import { sleep, systemClock, untilAborted } from "../runtime/clock.ts";
import type { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import { createAudit, createLog } from "../runtime/log.ts";
import { readSettings, type Settings, type SettingTable } from "../runtime/settings.ts";
import { createShutdown, type ProgramDeps } from "../runtime/shutdown.ts";
import { type Terminal, writeProblems } from "./terminal.ts";

type CommonSettings = Settings<typeof COMMON_SETTINGS>;

/** A table of settings that has at least those of every program. */
type ProgramTable = SettingTable & typeof COMMON_SETTINGS;

/** What distinguishes one long-running program from another. */
export interface Program<Table extends ProgramTable> {
  readonly name: string;
  readonly table: Table;
  /** Problems of settings that are valid on their own but conflict with each other. */
  readonly crossCheck: (settings: Settings<Table>) => readonly string[];
  readonly start: (deps: ProgramDeps, settings: Settings<Table>) => Promise<unknown>;
}

/** Below the 30 s that Kubernetes waits between SIGTERM and SIGKILL by default (terminationGracePeriodSeconds). */
const PROGRAM_STOP_DEADLINE_MS = 25_000;

/**
 * Resolves with the exit code when the program has stopped: 0 after a signal, 1 if it cannot start, 2 for its settings
 * or its kubeconfig.
 */
export async function runProgram<Table extends ProgramTable>(
  terminal: Terminal,
  flags: Readonly<Record<string, string>>,
  { name, table, crossCheck, start }: Program<Table>,
): Promise<number> {
  const read = readSettings(table, flags, terminal.env);
  const problems = read.ok ? crossCheck(read.value) : read.problems;
  if (!read.ok || problems.length > 0) {
    return writeProblems(terminal, name, [...problems, `podrole ${name} --help lists the settings`]);
  }
  const { level, jsonLog, shutdownDelay }: CommonSettings = read.value;
  const destination = logDestination(terminal, jsonLog);
  const log = createLog(name, level, destination);
  const audit = createAudit({ clock: systemClock, destination }, { program: name });
  const shutdown = createShutdown({ clock: systemClock, log }, { deadlineMs: PROGRAM_STOP_DEADLINE_MS });
  // Signals also count during the start, which may wait for something that never happens.
  const interrupted = untilAborted(terminal.interrupted);
  const deps = { clock: systemClock, log, audit, shutdown };
  const started = start(deps, read.value).then(() => true);
  try {
    const isUp = await Promise.race([started, interrupted.then(() => false)]);
    if (!isUp) {
      // An error of start() during shutdown is expected.
      started.catch((error: unknown) => log.debug({ err: error }, "start aborted by a signal"));
      await shutdown.stop("signal");
      return 0;
    }
  } catch (error) {
    if (error instanceof UnusableKubeconfig) {
      await shutdown.stop("failed to start");
      return writeProblems(terminal, name, [error.message]);
    }
    log.error({ err: error }, `podrole ${name} could not start`);
    await shutdown.stop("failed to start");
    return 1;
  }
  await interrupted;
  if (shutdownDelay > 0) log.info({ shutdownDelayMs: shutdownDelay }, "serving on while endpoint removal propagates");
  await sleep(systemClock, shutdownDelay);
  await shutdown.stop("signal");
  return 0;
}

function logDestination({ out }: Terminal, json: boolean): DestinationStream {
  if (json) return { write: out };
  const format = pretty.prettyFactory({ colorize: false, messageKey: "message", ignore: "program" });
  return { write: (line) => out(format(line)) };
}
