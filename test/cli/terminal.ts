// A terminal that records what is written to it.
import type { Terminal } from "../../src/cli/terminal.ts";

export function createTerminal({
  env = {},
  stdin = "",
  interrupted = new AbortController().signal,
  isTerminal = false,
  isErrTerminal = false,
  rows,
}: Partial<Pick<Terminal, "env" | "interrupted" | "isTerminal" | "isErrTerminal">> & {
  readonly stdin?: string;
  readonly rows?: number;
} = {}) {
  const said = { out: "", err: "" };
  return {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    env,
    isTerminal,
    isErrTerminal,
    rows: () => rows,
    execPath: process.execPath,
    readStdin: async () => stdin,
    async *stdin() {
      yield Buffer.from(stdin);
    },
    interrupted,
    said: { out: () => said.out, err: () => said.err },
  };
}
