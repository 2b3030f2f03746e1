// One attack as data: what the attacker does, to which program, and who must still be served.
import { MAX_ANNOTATION_LENGTH } from "../../../src/policy/annotations.ts";
import { recordGreeting } from "../../protocol/recorded-greeting.ts";
import type { Job } from "../attacker.ts";
import type { AttackWorld, GroupName } from "../world.ts";

/** The names of ordinary callers. */
export type CallerName = keyof AttackWorld["ordinary"];

/** One attack. Numbers are those that once broke the program. */
export interface AttackRow {
  readonly id: string;
  readonly title: string;
  readonly under: GroupName;
  /** True if the result means nothing on a busy machine: the short form leaves the attack out. */
  readonly isLongOnly?: true;
  /** Who must still be served. */
  readonly ordinary: readonly CallerName[];
  readonly job: (world: AttackWorld) => Job | Promise<Job>;
  /**
   * Checks afterwards what latencies do not show; returns what is wrong, undefined if nothing is. `seconds`: how long
   * the attack lasted.
   */
  readonly also?: (world: AttackWorld, seconds: number) => string | undefined;
}

/** Replaced by the address from which the suite runs the attack. */
export const localAddress = "";

/** Repeats the names until the text is about as long as an annotation may be. */
export function longList(names: readonly string[]): string {
  const all = `${names.join(",")},`;
  return all.repeat(Math.floor(MAX_ANNOTATION_LENGTH / all.length));
}

/** Connections that send the beginning of a request for a page and then nothing. */
export function unfinishedRequests(port: number): Job {
  const text = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";
  return { kind: "hold", tls: false, port, localAddress, connections: 1_500, text };
}

/** Connections that begin a handshake, leave when the port has answered, and come again. */
export async function recordedGreetings(port: number, group: string): Promise<Job> {
  const greeting = (await recordGreeting(group)).toString("base64");
  return { kind: "greetings", port, localAddress, connections: 700, greeting };
}

/** The ordinary callers beside an attack cause some lines of their own. */
const LINES_EACH_SECOND = 60;
const MAX_LINE_LENGTH = 16 * 1024;

/** Reports a log line of more than 16 KiB. For attacks whose reviews are admitted: each admission has its record. */
export function shortLines(program: "server" | "webhook"): NonNullable<AttackRow["also"]> {
  return (world) => {
    const { lines } = world.programs.cluster[program];
    const longest = lines.reduce((most, line) => Math.max(most, JSON.stringify(line).length), 0);
    return longest > MAX_LINE_LENGTH
      ? `a log line has ${longest} characters; expected at most ${MAX_LINE_LENGTH}`
      : undefined;
  };
}

/** Returns a check that an attack writes few and short lines to the program's log. */
export function boundedLines(program: "server" | "webhook"): NonNullable<AttackRow["also"]> {
  const findLongLine = shortLines(program);
  return (world, seconds) => {
    const { lines } = world.programs.cluster[program];
    const most = Math.round(LINES_EACH_SECOND * seconds);
    return lines.length > most
      ? `${lines.length} log lines in ${Math.round(seconds)} s; expected at most ${most}`
      : findLongLine(world, seconds);
  };
}
