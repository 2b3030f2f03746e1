// podrole-sidecar's entry: the only file of the sidecar that sees the process.
import { interruptionsOf } from "../runtime/interruptions.ts";
import { runSidecar } from "./modes.ts";
import { renewalFlags } from "./node-flags.ts";

async function main(): Promise<void> {
  // The program's timers do not keep the process alive; this one does, until the mode has finished.
  const alive = setInterval(() => {}, 2 ** 30);
  const exitCode = await runSidecar(
    {
      out: createWriter(() => process.stdout),
      err: createWriter(() => process.stderr),
      env: process.env,
      interrupted: interruptionsOf(process, () => 1),
      // Loaded on demand, because node:v8 loads all of Node's streams.
      async setFlags(flags) {
        const { setFlagsFromString } = await import("node:v8");
        for (const flag of flags) setFlagsFromString(flag);
      },
      self: { file: process.execPath, args: [...renewalFlags(process.execArgv), process.argv[1] ?? ""] },
    },
    process.argv.slice(2),
  );
  clearInterval(alive);
  process.exit(exitCode);
}

/**
 * Returns a function that writes to a stream, which it opens only then: each costs 3 ms of CPU, and the hook writes
 * nothing when it succeeds.
 */
function createWriter(open: () => NodeJS.WriteStream): (text: string) => void {
  let stream: NodeJS.WriteStream | undefined;
  return (text) => {
    // A closed log pipe must not end the process that holds the credentials.
    stream ??= open().on("error", () => {});
    stream.write(text);
  };
}

// No top-level await: the bundle is CommonJS, because Node's loader of ES modules costs 6 MB in each process.
void main();
