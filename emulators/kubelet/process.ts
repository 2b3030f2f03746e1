// One process of a container. It starts in a process group of its own, so that its end is the end of everything it
// started, and so that a signal to the terminal does not reach it past the node. Signals go only to pids that this file
// started and that have not been waited for.
// States: starting → running → exited; or starting → exited (no such program).
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { kill } from "node:process";
import type { Clock } from "../../src/runtime/clock.ts";

export interface ProcessSpec {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** How a process ended. `exitCode` is 128 plus the signal's number when a signal ended it, as containers report it. */
export interface ProcessExit {
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  /** It never ran: what the operating system said. */
  readonly startError?: string;
}

export interface ContainerProcess {
  readonly pid: number | undefined;
  readonly exited: Promise<ProcessExit>;
  /** SIGTERM goes to the process alone, as a runtime sends it to a container's first process; SIGKILL to its group. */
  signal(signal: "SIGTERM" | "SIGKILL"): void;
}

/** The exit code that container runtimes give to a process which could not start. */
const START_ERROR = 128;
/** How long output is read after the end, when a process that left the group holds it open. */
const DRAIN_MS = 1000;

export function startProcess(
  { clock }: { readonly clock: Clock },
  spec: ProcessSpec,
  onOutput: (chunk: Uint8Array) => void,
): ContainerProcess {
  const [program = "", ...words] = spec.command;
  const child = spawn(program, words, {
    env: spec.env,
    cwd: spec.directory,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let running = child.pid !== undefined;
  let cancelDrain = () => {};
  child.stdout.on("data", onOutput);
  child.stderr.on("data", onOutput);
  child.once("exit", () => {
    running = false;
    // What it left running would hold its output open and outlive the container.
    killGroup(child);
    cancelDrain = clock.schedule(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, DRAIN_MS);
  });
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ exitCode: START_ERROR, startError: error.message });
    });
    child.once("close", (code, signal) => {
      cancelDrain();
      resolve(exitOf(code, signal));
    });
  });
  return {
    pid: child.pid,
    exited,
    signal(signal) {
      if (!running) return;
      if (signal === "SIGKILL") killGroup(child);
      else child.kill(signal);
    },
  };
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  return signal === null ? { exitCode: code ?? START_ERROR } : { exitCode: 128 + constants.signals[signal], signal };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: nobody of the group is left.
  }
}
