// A renewal in a process of its own, so that gRPC, X.509 and protobuf leave no memory behind in the one that serves.
// The child gets this process's environment and nothing secret on its command line; it hands credentials over as a file.
// States of a child: running → ended by itself, or killed at the deadline or when the signal aborts.
import { spawn } from "node:child_process";
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
/** Of what Node itself says when it crashes, the beginning tells most. */
const LONGEST_COMPLAINT = 2 * 1024;

/** Runs one renewal; never rejects. */
export function createChildRun(
  { clock, log, write }: ChildDeps,
  { command, env, deadlineMs }: ChildOptions,
): (signal: AbortSignal) => Promise<Renewal> {
  let complaint = "";

  /** Lines of the child's log go on as they are; the rest is one line of ours, once for each different complaint. */
  function passOn(written: string): void {
    const lines = written.split("\n").filter((line) => line !== "");
    for (const line of lines) if (isLogLine(line)) write(`${line}\n`);
    const other = lines.filter((line) => !isLogLine(line));
    const text = other.join("\n").slice(0, LONGEST_COMPLAINT);
    if (text !== "" && text !== complaint) log.warn({ output: text }, "the renewal process complained");
    if (text !== "") complaint = text;
  }

  return (signal) =>
    new Promise((resolve) => {
      const child = spawn(command.file, command.args, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
      const output = collect(child.stdout);
      const logged = collect(child.stderr);
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
        passOn(logged());
        const reason = overdue ? `it took longer than ${deadlineMs / 1000} s` : state;
        // NOT_READY, because the next one may well succeed: a node short of CPU or memory is the usual cause.
        const unfinished = failed({ code: "NOT_READY", message: `Cannot renew credentials: ${reason}` });
        resolve(decodeRenewal(output()) ?? unfinished);
      }
      child.once("error", ({ message }) => end(`the renewal process did not start (${message})`));
      child.once("close", (code, killedBy) => end(`the renewal process ended with ${killedBy ?? `exit code ${code}`}`));
    });
}

function collect(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    if (text.length < LONGEST_OUTPUT) text += chunk;
  });
  return () => text;
}

function isLogLine(line: string): boolean {
  return line.startsWith('{"level":') && line.endsWith("}");
}
