// A renewal in a process of its own, so that gRPC, X.509 and protobuf leave no memory behind in the one that serves.
// The child gets this process's environment and nothing secret on its command line; it hands credentials over as a file.
// States of a child: running → ended by itself, or killed at the deadline or when the signal aborts.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { decodeRenewal, failed, type Renewal } from "./renewal.ts";

/** A program and its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export interface ChildDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Takes a log line of the child, as it is. */
  readonly write: (line: string) => void;
}

export interface ChildOptions {
  readonly command: Command;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly deadlineMs: number;
}

/** Far more than a renewal writes: what lies beyond is not read. */
const LONGEST_OUTPUT = 64 * 1024;

/** Runs one renewal; never rejects. */
export function createChildRun(
  { clock, log, write }: ChildDeps,
  { command, env, deadlineMs }: ChildOptions,
): (signal: AbortSignal) => Promise<Renewal> {
  return (signal) =>
    new Promise((resolve) => {
      const child = spawn(command.file, command.args, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
      const output = collect(child, (line) =>
        isLogLine(line) ? write(`${line}\n`) : log.warn({ line }, "renewal wrote"),
      );
      let overdue = false;
      const kill = () => child.kill("SIGKILL");
      const cancel = clock.schedule(() => {
        overdue = true;
        kill();
      }, deadlineMs);
      signal.addEventListener("abort", kill, { once: true });
      if (signal.aborted) kill();

      function end(state: string): void {
        cancel();
        signal.removeEventListener("abort", kill);
        const renewal = decodeRenewal(output());
        const reason = overdue ? `it took longer than ${deadlineMs / 1000} s` : state;
        // NOT_READY, because the next one may well succeed: a node short of CPU or memory is the usual cause.
        resolve(renewal ?? failed({ code: "NOT_READY", message: `Cannot renew credentials: ${reason}` }));
      }
      child.once("error", (error) =>
        end(`the renewal process did not start (${(error as NodeJS.ErrnoException).code})`),
      );
      child.once("close", (code, killedBy) => end(`the renewal process ended with ${killedBy ?? `exit code ${code}`}`));
    });
}

/** Reads both streams; the function returned gives what was written to standard output. */
function collect(
  child: ChildProcessByStdio<null, Readable, Readable>,
  onErrorLine: (line: string) => void,
): () => string {
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (output.length < LONGEST_OUTPUT) output += chunk;
  });
  let rest = "";
  let read = 0;
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    read += chunk.length;
    if (read > LONGEST_OUTPUT) return;
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onErrorLine(line);
  });
  child.stderr.on("end", () => {
    if (rest !== "") onErrorLine(rest);
  });
  return () => output;
}

/** Lines of the child's own log; anything else comes from Node itself, such as the report of a crash. */
function isLogLine(line: string): boolean {
  return line.startsWith('{"level":') && line.endsWith("}");
}
