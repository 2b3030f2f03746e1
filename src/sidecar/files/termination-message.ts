// The termination message: what `kubectl describe pod` shows of a podrole container that ended with an error.
// (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/)
import { writeFileSync } from "node:fs";
import { ERRORS, type ErrorInfo, withRemedy } from "../../protocol/errors.ts";
import type { Log } from "../../runtime/log.ts";
import type { SidecarSettings } from "../settings.ts";

/** The kubelet truncates a termination message to this many bytes. */
const MAX_TERMINATION_MESSAGE_BYTES = 4_096;

/** Logs why this process ends, and writes it to the termination message file. Logs a write error; never throws. */
export function writeTerminationMessage(
  log: Log,
  { terminationMessageFile: path }: Pick<SidecarSettings, "terminationMessageFile">,
  problem: ErrorInfo,
): void {
  const { code, message: reason } = problem;
  log.error({ code, reason, remedy: ERRORS[code].remedy }, "exiting with an error");
  if (path === undefined) return;
  try {
    // Written in place: the kubelet mounts the file, so it cannot be replaced.
    writeFileSync(path, terminationMessage(problem));
  } catch (error) {
    log.warn({ err: error, path }, "cannot write the termination message");
  }
}

/** Returns code, reason and remedy in one line, at most 4096 bytes. */
export function terminationMessage(problem: ErrorInfo): string {
  return withRemedy(problem, MAX_TERMINATION_MESSAGE_BYTES);
}
