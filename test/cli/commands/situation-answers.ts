// What podrole says in a situation in which an operator asks what is wrong: the same in explain, check and status.
import assert from "node:assert/strict";

/** The answer to one situation. */
export interface SituationAnswer {
  /** True if the pod has what it needs: then the commands end with exit code 0. */
  readonly isWell?: true;
  readonly cause: RegExp;
  readonly remedy: RegExp;
  readonly recovery: RegExp;
  /** The next commands in their order. */
  readonly next: readonly RegExp[];
}

/** What a command printed. */
export interface PrintedAnswer {
  readonly out: string;
  readonly exitCode: number;
}

/** Fails unless one block of the output has all parts of the answer in their order, and the exit code agrees. */
export function assertAnswer(command: string, { out, exitCode }: PrintedAnswer, answer: SituationAnswer): void {
  const { isWell = false, cause, remedy, recovery, next } = answer;
  assert.equal(exitCode, isWell ? 0 : 1, `${command}: ${out}`);
  const block = blocksOf(out).find((lines) => lines.some((line) => line.startsWith("cause: ") && cause.test(line)));
  assert.ok(block, `${command}: no cause is ${cause}: ${out}`);
  const expected = [
    ["cause", cause],
    ["remedy", remedy],
    ["recovery", recovery],
    ...next.map((pattern) => ["next", pattern] as const),
  ] as const;
  const found = block.filter((line) => !line.startsWith("scope: "));
  for (const [index, [part, pattern]] of expected.entries()) {
    const line = found[index] ?? "";
    assert.ok(line.startsWith(`${part}: `) && pattern.test(line), `${command}: ${pattern} is not "${line}": ${out}`);
  }
  assert.equal(found.length, expected.length, `${command}: further commands: ${out}`);
}

/** The diagnoses of an output: lines that follow each other and begin with the name of a part. */
function blocksOf(out: string): readonly (readonly string[])[] {
  const blocks: string[][] = [];
  let isInBlock = false;
  for (const line of out.split("\n").map((text) => text.trim())) {
    const isPart = /^(?:cause|remedy|scope|recovery|next): /.test(line);
    if (isPart && (!isInBlock || line.startsWith("cause: "))) blocks.push([]);
    if (isPart) blocks.at(-1)?.push(line);
    isInBlock = isPart;
  }
  return blocks;
}
