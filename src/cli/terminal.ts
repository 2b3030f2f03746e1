// What a command is given and how it ends. Only main.ts connects a Terminal to the process.
import { escapeControls } from "./output/text.ts";

/** The process as a command sees it. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output is a terminal, which shows colours. */
  readonly isTerminal: boolean;
  /** Whether standard error is one: a person then waits, and sees what for. */
  readonly isErrTerminal: boolean;
  /** Lines of the terminal; undefined if standard output is none. */
  readonly rows: () => number | undefined;
  /** Path of the Node binary that runs this program. */
  readonly execPath: string;
  readonly readStdin: () => Promise<string>;
  /** Standard input as a stream; undefined when it is a keyboard. */
  readonly stdin: () => AsyncIterable<Uint8Array> | undefined;
  /** Aborts on SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/** Flags by key, as text: `--podrole-namespace x` is `{ podroleNamespace: "x" }`. A flag without a value is "true". */
export type Flags = Readonly<Record<string, string>>;

/** Runs one command: arguments → operation → output. Resolves with the exit code; `args` are the positional ones. */
export type Action = (terminal: Terminal, flags: Flags, args: readonly string[]) => Promise<number>;

/** Exit code for a command line, an input or a cluster that cannot be used. */
const EXIT_CODE_USAGE = 2;

/**
 * Writes one line to standard error, as every command does. `command` is the name without "podrole". The text may quote
 * manifests, objects and logs, so it cannot control the terminal.
 */
export function writeNote({ err }: Pick<Terminal, "err">, command: string, text: string): void {
  err(`podrole ${command}: ${escapeControls(text)}\n`);
}

/** Notes every problem and returns exit code 2. */
export function writeProblems(terminal: Pick<Terminal, "err">, command: string, problems: readonly string[]): number {
  for (const problem of problems) writeNote(terminal, command, problem);
  return EXIT_CODE_USAGE;
}
