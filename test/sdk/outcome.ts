// What a user sees of an SDK's run, without parts that differ between runs.
import type { ExecResult } from "../../emulators/kubelet/run.ts";

export interface Outcome {
  readonly outcome: "works" | "fails" | "dies";
  /** The SDK's own message if it fails. */
  readonly reads?: string;
}

/** Characters; the rest only repeats podrole's message, which other tests assert. */
const MAX_LENGTH = 240;

/** "dies": the process exited because of an error that the app could not catch. */
export function outcomeOf({ exitCode, output }: ExecResult): Outcome {
  if (exitCode === 0) return { outcome: "works" };
  const isUncaught = /\n\s+at .*\n[\s\S]*Node\.js v/.test(output);
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const first = isUncaught ? lines.find((line) => /^\w*Error\b/.test(line)) : lines.join(" ");
  return { outcome: isUncaught ? "dies" : "fails", reads: withoutVariableParts(first ?? output) };
}

function withoutVariableParts(text: string): string {
  const stable = text
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/(?<![\w.])\/[\w./-]*\/([\w.-]+)/g, "…/$1")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\s+/g, " ")
    .trim();
  return stable.length > MAX_LENGTH ? `${stable.slice(0, MAX_LENGTH)}…` : stable;
}
