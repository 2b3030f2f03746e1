// The worked examples of a page: console blocks with commands and their output. A test runs the commands again and
// compares; `UPDATE=1` writes the new output to the page.
import { readFileSync, writeFileSync } from "node:fs";

export interface Example {
  /** The command line without "$ ". */
  readonly command: string;
  readonly output: string;
}

const BLOCK = /```console\n\$ ((?:.*\\\n)*.*)\n([\s\S]*?)```/g;

/** Returns the examples whose command begins with `prefix`, in order. */
export function readExamples(page: string, prefix: string): readonly Example[] {
  return [...readFileSync(page, "utf8").matchAll(BLOCK)]
    .map(([, command = "", output = ""]) => ({ command: command.replaceAll(/\\\n\s*/g, ""), output }))
    .filter(({ command }) => command.startsWith(prefix));
}

/** Replaces the outputs in the page, in the same order. */
export function writeExamples(page: string, prefix: string, outputs: readonly string[]): void {
  let index = 0;
  const text = readFileSync(page, "utf8").replaceAll(BLOCK, (block: string, command: string) =>
    command.startsWith(prefix) ? `\`\`\`console\n$ ${command}\n${outputs[index++] ?? ""}\`\`\`` : block,
  );
  writeFileSync(page, text);
}

const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME"],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID"],
  [/\bASIA[A-Z0-9]{16}\b/g, "KEY"],
  [/serial [0-9a-f:]+/gi, "serial SERIAL"],
  [/127\.0\.0\.1:\d+/g, "ADDRESS"],
  // The number of requests that a pod made before the test read the log.
  [/(TIME +TIME +)\d+/g, "$1COUNT"],
  [/"count": \d+/g, '"count": COUNT'],
  // The width of a column depends on its longest cell.
  [/ {2,}/g, "  "],
];

/** Replaces everything that differs between runs. */
export function withoutVolatile(text: string): string {
  return VOLATILE.reduce((result, [pattern, name]) => result.replaceAll(pattern, name), text.trimEnd());
}
