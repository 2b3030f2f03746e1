// The commands that an answer of explain, check or status tells an operator to run, as they are printed: as
// "next: COMMAND", or as "next: PURPOSE:" with the command alone in the line below.

/** One step of an answer. */
export interface PrintedStep {
  /** Empty if the command says it. */
  readonly purpose: string;
  readonly command: string;
}

/** Returns the steps of an output in their order. */
export function printedSteps(out: string): readonly PrintedStep[] {
  const lines = out.split("\n").map((line) => line.trim());
  return lines.flatMap((line, index): readonly PrintedStep[] => {
    const [, text = ""] = /^next: (.+)$/.exec(line) ?? [];
    if (text === "") return [];
    return text.endsWith(":")
      ? [{ purpose: text.slice(0, -1), command: lines[index + 1] ?? "" }]
      : [{ purpose: "", command: text }];
  });
}

/** Returns the commands of an output in their order, each once. */
export function printedCommands(out: string): readonly string[] {
  return [...new Set(printedSteps(out).map(({ command }) => command))];
}
