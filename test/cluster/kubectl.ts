// Runs kubectl against the suite's cluster and returns what a user would see.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  /** Standard error: warnings and denials. */
  readonly err: string;
}

export interface Kubectl {
  run(args: readonly string[], input?: string): Promise<CommandResult>;
  /** Resolves with the output; throws RangeError if the command fails. */
  ok(args: readonly string[], input?: string): Promise<string>;
  json<Kind>(args: readonly string[]): Promise<Kind>;
}

export function createKubectl({
  binary,
  kubeconfig,
}: {
  readonly binary: string;
  readonly kubeconfig: string;
}): Kubectl {
  async function run(args: readonly string[], input = ""): Promise<CommandResult> {
    const child = spawn(binary, ["--kubeconfig", kubeconfig, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(input);
    const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, out, err };
  }

  async function ok(args: readonly string[], input?: string): Promise<string> {
    const { code, out, err } = await run(args, input);
    if (code !== 0) throw new RangeError(`kubectl ${args.join(" ")}: ${err}`);
    return out;
  }

  return { run, ok, json: async (args) => JSON.parse(await ok([...args, "-o", "json"])) };
}
