// What a person sees of an SDK's run, without what differs from run to run.
import type { ExecResult } from "../../emulators/kubelet/run.ts";

export interface Outcome {
  readonly outcome: "works" | "fails" | "dies";
  /** The SDK's own words when it does not work. */
  readonly reads?: string;
}

/** What stands beyond repeats the body, in podrole's words, which have tests of their own. */
const LONGEST = 240;

/** "dies": the process ended by an error that the app had no chance to catch. */
export function outcomeOf({ exitCode, output }: ExecResult): Outcome {
  if (exitCode === 0) return { outcome: "works" };
  const isUncaught = /\n\s+at .*\n[\s\S]*Node\.js v/.test(output);
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const first = isUncaught ? lines.find((line) => /^\w*Error\b/.test(line)) : lines.join(" ");
  return { outcome: isUncaught ? "dies" : "fails", reads: constant(first ?? output) };
}

function constant(text: string): string {
  const same = text
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/(?<![\w.])\/[\w./-]*\/([\w.-]+)/g, "…/$1")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\s+/g, " ")
    .trim();
  return same.length > LONGEST ? `${same.slice(0, LONGEST)}…` : same;
}
