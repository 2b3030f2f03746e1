// The termination message of a container, which `kubectl describe pod` shows.
// (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/)
import { constants } from "node:os";
import { readIfPresent } from "../../src/runtime/files.ts";
import type { LogBuffer } from "./log-buffer.ts";
import type { ProcessExit } from "./process.ts";
import type { Terminated } from "./status.ts";

/** The kubelet's limits for the file and for the log that replaces it. */
const MAX_FILE_BYTES = 4096;
const MAX_LOG_TAIL = { lines: 80, characters: 2048 };

/** A run that has exited, with what its message comes from. */
export interface EndedRun {
  readonly exit: ProcessExit;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly terminationFile: string;
  /** "FallbackToLogsOnError" uses the end of the log if the file is empty and the container failed. */
  readonly policy: string | undefined;
  readonly log: LogBuffer;
}

/** Returns the terminated state of a run, with its termination message. */
export async function terminationOf(run: EndedRun): Promise<Terminated> {
  const { exit, startedAt, finishedAt, policy, log } = run;
  const failed = exit.exitCode !== 0;
  const written = (await readIfPresent(run.terminationFile))?.slice(0, MAX_FILE_BYTES) ?? "";
  const fromLog =
    failed && policy === "FallbackToLogsOnError" ? log.tail(MAX_LOG_TAIL.lines, MAX_LOG_TAIL.characters) : "";
  const message = exit.startError ?? (written || fromLog);
  return {
    exitCode: exit.exitCode,
    ...(exit.signal && { signal: constants.signals[exit.signal] }),
    reason: exit.startError === undefined ? (failed ? "Error" : "Completed") : "StartError",
    ...(message !== "" && { message }),
    startedAt,
    finishedAt,
  };
}
