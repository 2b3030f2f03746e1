// What podrole says in a situation in which an operator asks what is wrong: the same in explain, check and status.
import assert from "node:assert/strict";
import { printedSteps } from "./printed-steps.ts";

/** The answer to one situation. */
export interface SituationAnswer {
  /** True if the pod has what it needs: then the commands end with exit code 0. */
  readonly isWell?: true;
  /** True if podrole check only warns of it. */
  readonly warns?: true;
  readonly cause: RegExp;
  readonly remedy: RegExp;
  /** Absent if it is not the same in all commands: explain counts pods of the namespace. */
  readonly scope?: RegExp;
  readonly recovery: RegExp;
  /** What the commands require. */
  readonly requires?: RegExp;
  /** The next commands in their order, and what must be said of one before it is run. */
  readonly next: readonly (RegExp | { readonly command: RegExp; readonly purpose: RegExp })[];
  /** How one sees that it helped. */
  readonly verify: RegExp;
}

/** What a command printed. */
export interface PrintedAnswer {
  readonly out: string;
  readonly exitCode: number;
}

/** Fails unless one block of the output has all parts of the answer, and the exit code agrees. */
export function assertAnswer(command: string, { out, exitCode }: PrintedAnswer, answer: SituationAnswer): void {
  const { isWell = false, warns = false, next, ...parts } = answer;
  assert.equal(exitCode, isWell || (warns && command === "check") ? 0 : 1, `${command}: ${out}`);
  const block = blocksOf(out).find((text) => answer.cause.test(partOf(text, "cause")));
  assert.ok(block, `${command}: no cause is ${answer.cause}: ${out}`);
  for (const [name, pattern] of Object.entries(parts)) {
    assert.match(partOf(block, name), pattern, `${command}: ${name}: ${out}`);
  }
  const steps = printedSteps(block);
  for (const [index, expected] of next.entries()) {
    const { command: wanted, purpose } =
      expected instanceof RegExp ? { command: expected, purpose: undefined } : expected;
    const step = steps[index];
    assert.match(step?.command ?? "", wanted, `${command}: ${out}`);
    if (purpose !== undefined) assert.match(step?.purpose ?? "", purpose, `${command}: ${out}`);
  }
  const further = steps
    .slice(next.length)
    .filter(({ purpose }) => !purpose.startsWith("prints the commands for every"));
  assert.deepEqual(further, [], `${command}: further commands: ${out}`);
}

/** The text of a part in a block; empty if it is not there. */
function partOf(block: string, name: string): string {
  return new RegExp(`^ *${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
}

const PART = /^ *(?:cause|remedy|scope|recovery|requires|next|verify): /;

/** The diagnoses of an output: each begins with its cause, and ends before a line that is no part of it. */
function blocksOf(out: string): readonly string[] {
  const blocks: string[][] = [];
  let isCommand = false;
  let isInBlock = false;
  for (const line of out.split("\n")) {
    const isPart = PART.test(line) || isCommand;
    if (/^ *cause: /.test(line)) blocks.push([]);
    isInBlock = isPart && (isInBlock || /^ *cause: /.test(line));
    if (isInBlock) blocks.at(-1)?.push(line);
    isCommand = /^ *next: .*:$/.test(line);
  }
  return blocks.map((lines) => lines.join("\n"));
}
