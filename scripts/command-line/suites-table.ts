// The table of test/README.md, from what the suites' command lines declare.
import { markdownTable } from "../markdown-table.ts";
import { needsOf } from "./options.ts";
import { SCRIPTS, SUITES } from "./scripts-table.ts";

/** Returns the suites with what each does, needs and takes. */
export function suitesTable(): string {
  const cells = SUITES.map((name) => {
    const { purpose, time } = SCRIPTS[name];
    return [`\`npm run ${name}\``, purpose, needsOf(SCRIPTS[name]) || "–", time];
  });
  return markdownTable(["command", "purpose", "needs", "time"], cells);
}
