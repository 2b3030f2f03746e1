// podrole's programs as child processes. States: starting → running → ended, by stop(), by kill(), or by itself; one
// that does not start within a minute is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A machine that starts many programs at once may need most of it. */
const START_TIMEOUT_MS = 60_000;

/** How to run podrole: the node binary and the entry of the command line. */
export interface Runtime {
  readonly execPath: string;
  /** Arguments of Node itself; none by default. */
  readonly nodeFlags?: readonly string[];
  readonly entry: string;
  readonly path: string;
}

/** A running program of podrole. */
export interface RunningProgram {
  readonly pid: number;
  /** Every line of its log and audit log, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly ports: Readonly<Record<string, number>>;
  stop(): Promise<number>;
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
}

/** Starts a program of podrole and waits until it logs that it is up. */
export async function startProgram(
  { execPath, nodeFlags = [], path }: Omit<Runtime, "entry">,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningProgram> {
  const child = spawn(execPath, [...nodeFlags, ...args], {
    env: { PATH: path, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Record<string, unknown>[] = [];
  const errors: string[] = [];
  const up = Promise.withResolvers<Readonly<Record<string, number>>>();
  createInterface(child.stdout).on("line", (line) => {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    lines.push(parsed);
    if (parsed["message"] === `${name} is up`) up.resolve(parsed["ports"] as Record<string, number>);
  });
  createInterface(child.stderr).on("line", (line) => errors.push(line));
  child.on("exit", (code) =>
    up.reject(new Error(`podrole ${name} ended with ${code}: ${errors.join("\n")} ${JSON.stringify(lines.at(-1))}`)),
  );
  const late = setTimeout(() => {
    up.reject(
      new Error(`podrole ${name} did not start within ${START_TIMEOUT_MS / 1000} s: ${JSON.stringify(lines.at(-1))}`),
    );
    child.kill("SIGKILL");
  }, START_TIMEOUT_MS);
  const ports = await up.promise.finally(() => clearTimeout(late));
  return {
    pid: child.pid ?? 0,
    lines,
    ports,
    stop: () => stopChild(child),
    async kill() {
      const ended = once(child, "exit");
      if (child.kill("SIGKILL")) await ended;
    },
  };
}

async function stopChild(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
  return child.exitCode ?? 1;
}
