// kubectl against the suite's cluster: what a person types, and what a person is told.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export interface Said {
  readonly code: number;
  readonly out: string;
  /** Standard error: warnings and refusals. */
  readonly err: string;
}

export interface Kubectl {
  run(words: readonly string[], input?: string): Promise<Said>;
  /** Output of a command that must succeed. */
  ok(words: readonly string[], input?: string): Promise<string>;
  json<Kind>(words: readonly string[]): Promise<Kind>;
}

export function createKubectl({
  binary,
  kubeconfig,
}: {
  readonly binary: string;
  readonly kubeconfig: string;
}): Kubectl {
  async function run(words: readonly string[], input = ""): Promise<Said> {
    const child = spawn(binary, ["--kubeconfig", kubeconfig, ...words], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(input);
    const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, out, err };
  }

  async function ok(words: readonly string[], input?: string): Promise<string> {
    const { code, out, err } = await run(words, input);
    if (code !== 0) throw new RangeError(`kubectl ${words.join(" ")}: ${err}`);
    return out;
  }

  return { run, ok, json: async (words) => JSON.parse(await ok([...words, "-o", "json"])) };
}
