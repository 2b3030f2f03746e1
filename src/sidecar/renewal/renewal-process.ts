// Runs a renewal in a child process, so that gRPC, X.509 and protobuf leave no memory behind in the serving process.
// The child inherits the environment, has no secret on its command line, and stores the credentials in a file.
// States of a child: running → exited, or killed at the deadline or when the signal aborts; or not started, as without
// file descriptors.
import type { Readable } from "node:stream";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { decodeRenewal, failedRenewal, type Renewal } from "./outcome.ts";

/** A program and its arguments. */
export interface ProcessCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** What a child's run talks to. */
export interface RenewalProcessDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Receives each log line of the child unchanged. */
  readonly write: (line: string) => void;
}

/** How the child is started. `deadlineMs`: milliseconds until it is killed. */
export interface RenewalProcessOptions {
  readonly command: ProcessCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly deadlineMs: number;
}

/** Upper bound on a child's output in characters; anything longer is discarded. */
const MAX_OUTPUT_LENGTH = 64 * 1024;
/** Upper bound on what is logged of a crash report in characters: the first lines of Node's are the useful ones. */
const MAX_CRASH_REPORT_LENGTH = 2 * 1024;

/** Returns a function that runs one renewal as a child process. It never rejects: an early end is a failed renewal. */
export function createRenewalProcess(
  { clock, log, write }: RenewalProcessDeps,
  { command, env, deadlineMs }: RenewalProcessOptions,
): (signal: AbortSignal) => Promise<Renewal> {
  let lastReport = "";

  /** Forwards the child's log lines unchanged; logs other output as one line, and only if it differs from the last. */
  function forward(logged: string): void {
    const lines = logged.split("\n").filter((line) => line !== "");
    for (const line of lines) if (isLogLine(line)) write(`${line}\n`);
    const other = lines.filter((line) => !isLogLine(line));
    const report = other.join("\n").slice(0, MAX_CRASH_REPORT_LENGTH);
    if (report !== "" && report !== lastReport) log.warn({ output: report }, "unexpected output of a renewal process");
    if (report !== "") lastReport = report;
  }

  return async (signal) => {
    // Loaded on demand: a pod waits for the first renewal, which the hook's process does.
    const { spawn } = await import("node:child_process");
    return new Promise((resolve) => {
      const child = spawn(command.file, command.args, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
      // First, because without a listener the error would end the sidecar.
      child.once("error", ({ message }) => end(`did not start (${message})`));
      const output = collectText(child.stdout);
      const logged = collectText(child.stderr);
      let isOverdue = false;
      const kill = () => child.kill("SIGKILL");
      const cancel = clock.schedule(() => {
        isOverdue = true;
        kill();
      }, deadlineMs);
      signal.addEventListener("abort", kill, { once: true });
      if (signal.aborted) kill();

      function end(state: string): void {
        cancel();
        signal.removeEventListener("abort", kill);
        forward(logged());
        const reason = isOverdue ? `exceeded its deadline of ${deadlineMs / 1000} s` : state;
        // NOT_READY, because the next renewal may well succeed: the usual cause is a node short of CPU or memory.
        const message = `Cannot renew credentials: the renewal process ${reason}`;
        resolve(decodeRenewal(output()) ?? failedRenewal({ code: "NOT_READY", message }));
      }
      child.once("close", (code, killedBy) => end(`ended with ${killedBy ?? `exit code ${code}`}`));
    });
  };
}

/** Undefined: out of file descriptors, Node made no pipe, and reports an error of the process in the next tick. */
function collectText(stream: Readable | undefined): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    if (text.length < MAX_OUTPUT_LENGTH) text += chunk;
  });
  return () => text;
}

function isLogLine(line: string): boolean {
  return line.startsWith('{"level":') && line.endsWith("}");
}
