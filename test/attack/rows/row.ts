// One attack as data: what the attacker does, to which program, and who must still be served.
import type { Job } from "../attacker.ts";
import type { AttackWorld, GroupName } from "../world.ts";

/** The names of ordinary callers. */
export type CallerName = keyof AttackWorld["ordinary"];

/** One attack. Numbers are those that once broke the program. */
export interface AttackRow {
  readonly id: string;
  readonly title: string;
  readonly under: GroupName;
  /** Who must still be served. */
  readonly ordinary: readonly CallerName[];
  readonly job: (world: AttackWorld) => Job;
  /**
   * Checks afterwards what latencies do not show; returns what is wrong, undefined if nothing is. `seconds`: how long
   * the attack lasted.
   */
  readonly also?: (world: AttackWorld, seconds: number) => string | undefined;
}

/** Replaced by the address from which the suite runs the attack. */
export const localAddress = "";

/** Connections that send the beginning of a request for a page and then nothing. */
export function unfinishedRequests(port: number): Job {
  const text = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";
  return { kind: "hold", tls: false, port, localAddress, connections: 1_500, text };
}

/** The ordinary callers beside an attack cause some lines of their own. */
const LINES_EACH_SECOND = 60;
const MAX_LINE_LENGTH = 16 * 1024;

/** Returns a check that an attack writes few and short lines to the program's log. */
export function boundedLines(program: "server" | "webhook"): NonNullable<AttackRow["also"]> {
  return (world, seconds) => {
    const { lines } = world.programs.cluster[program];
    const longest = lines.reduce((most, line) => Math.max(most, JSON.stringify(line).length), 0);
    if (longest > MAX_LINE_LENGTH) return `a log line has ${longest} characters; expected at most ${MAX_LINE_LENGTH}`;
    const most = Math.round(LINES_EACH_SECOND * seconds);
    return lines.length > most
      ? `${lines.length} log lines in ${Math.round(seconds)} s; expected at most ${most}`
      : undefined;
  };
}
