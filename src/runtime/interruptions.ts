// SIGINT and SIGTERM as an abort signal. Only main.ts files call it, because only they see the process.

/** The part of Node's `process` that receives signals. */
export interface SignalledProcess {
  on(signal: "SIGINT" | "SIGTERM", listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/**
 * Returns a signal that aborts on the first SIGINT or SIGTERM, with its name as the reason, so that the program can
 * stop. A second one ends the process at once, with the exit code that `exitCodeOf` returns.
 */
export function interruptionsOf(host: SignalledProcess, exitCodeOf: (signal: NodeJS.Signals) => number): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) host.exit(exitCodeOf(signal));
    controller.abort(signal);
  };
  host.on("SIGINT", stop);
  host.on("SIGTERM", stop);
  return controller.signal;
}
