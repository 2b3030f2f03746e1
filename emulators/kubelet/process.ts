// One process of a container. It starts in its own process group, so that everything it started is killed with it, and
// so that Ctrl+C in the terminal reaches only the node. Signals only go to pids that this file started and
// has not yet waited for.
// States: starting → running → exited; or starting → exited (no such program).
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { kill } from "node:process";
import type { Clock } from "../../src/runtime/clock.ts";

/** A command of this host with its whole environment. */
export interface ProcessSpec {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/**
 * How a process ended. If a signal ended it, `exitCode` is 128 plus the signal's number, as container runtimes report
 * it.
 */
export interface ProcessExit {
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  /** The operating system's message if the process could not start. */
  readonly startError?: string;
}

/** A started process. Output arrives through `onOutput`. */
export interface ContainerProcess {
  readonly pid: number | undefined;
  readonly exited: Promise<ProcessExit>;
  /**
   * SIGTERM goes only to the process, as a runtime sends it to a container's first process; SIGKILL goes to its group.
   */
  signal(signal: "SIGTERM" | "SIGKILL"): void;
}

/** The exit code that container runtimes report for a process that could not start. */
const START_ERROR = 128;
/** How long output is read after the exit if a process outside the group still has it open, in milliseconds. */
const DRAIN_MS = 1000;

/**
 * Starts a process in a process group of its own. It never throws: if the program cannot start, the result has
 * `startError`.
 */
export function startProcess(
  { clock }: { readonly clock: Clock },
  spec: ProcessSpec,
  onOutput: (chunk: Uint8Array) => void,
): ContainerProcess {
  const [program = "", ...args] = spec.command;
  const child = spawn(program, args, {
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
    // Remaining processes would keep the output open and outlive the container.
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
    // ESRCH: no process of the group is left.
  }
}
