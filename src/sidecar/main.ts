#!/usr/bin/env node
// podrole-sidecar's entry: the only file of the sidecar that sees the process.
import { interruptionsOf } from "../runtime/interruptions.ts";
import { runSidecar } from "./modes.ts";
import { renewalFlags, SERVING_FLAGS } from "./node-flags.ts";

async function main(): Promise<void> {
  // A closed log pipe must not end the process that holds the credentials.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  // The program's timers do not keep the process alive; this one does, until the mode has finished.
  const alive = setInterval(() => {}, 2 ** 30);
  const exitCode = await runSidecar(
    {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      env: process.env,
      interrupted: interruptionsOf(process, () => 1),
      // Loaded on demand, because node:v8 loads all of Node's streams.
      async saveMemory() {
        const { setFlagsFromString } = await import("node:v8");
        for (const flag of SERVING_FLAGS) setFlagsFromString(flag);
      },
      self: { file: process.execPath, args: [...renewalFlags(process.execArgv), process.argv[1] ?? ""] },
    },
    process.argv.slice(2),
  );
  clearInterval(alive);
  process.exit(exitCode);
}

// No top-level await: the bundle is CommonJS, because Node's loader of ES modules costs 6 MB in each process.
void main();
