// What `kubectl describe pod` shows of a container of podrole's that ended before it had credentials.
import { writeFileSync } from "node:fs";
import { ERRORS, type Refusal } from "../protocol/errors.ts";
import type { Log } from "../runtime/log.ts";
import type { SidecarSettings } from "./settings.ts";

/** The kubelet keeps no more of a termination message. */
const LONGEST_MESSAGE = 4_096;

/** Logs why this process ends, and writes it where the kubelet reads it. */
export function tellWhy(
  log: Log,
  { terminationMessageFile: path }: Pick<SidecarSettings, "terminationMessageFile">,
  problem: Refusal,
): void {
  const { code, message: reason } = problem;
  log.error({ code, reason, remedy: ERRORS[code].remedy }, "gives up");
  if (path === undefined) return;
  try {
    // The file is a mount of the kubelet's: written in place, because it cannot be replaced.
    writeFileSync(path, terminationMessage(problem));
  } catch (error) {
    log.warn({ err: error, path }, "could not write the termination message");
  }
}

/** One line with code, reason and remedy; the reason is cut before the remedy is lost. */
export function terminationMessage({ code, message }: Refusal): string {
  const remedy = ` -- ${ERRORS[code].remedy}`;
  const head = `${code}: ${message}`;
  const room = LONGEST_MESSAGE - Buffer.byteLength(remedy);
  if (Buffer.byteLength(head) <= room) return head + remedy;
  // A character that was cut in half decodes to U+FFFD, which takes three bytes.
  return `${Buffer.from(head).toString("utf8", 0, room - 6)}...${remedy}`;
}
