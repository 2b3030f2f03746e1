#!/usr/bin/env node
// podrole-sidecar's entry: the only file of the sidecar that sees the process.
import { runSidecar } from "./program.ts";

/** The second signal ends the process at once. */
function interruptions(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(signal);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}

/** Lite mode saves memory in a process that stays; one that ends soon is quicker without. */
function isForShortRuns(flag: string): boolean {
  return flag !== "--lite-mode";
}

async function main(): Promise<void> {
  // A reader of the log that went away must not end the process that has the credentials.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  // Timers of the program do not keep a process alive; this one does, until the mode is done.
  const alive = setInterval(() => {}, 2 ** 30);
  const exitCode = await runSidecar(
    {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      env: process.env,
      interrupted: interruptions(),
      self: { file: process.execPath, args: [...process.execArgv.filter(isForShortRuns), process.argv[1] ?? ""] },
    },
    process.argv.slice(2),
  );
  clearInterval(alive);
  process.exit(exitCode);
}

// Not awaited at the top level: the bundle is CommonJS, because Node's loader of ES modules costs 6 MB in each process.
void main();
