// The table of docs/pod-certificates.md with unusual requests: where each case was tried, and what explain says of the
// pod.
import { readText } from "../../files.ts";

const [, section = ""] = readText("docs/pod-certificates.md").split("### What explain says\n");
const ROW = /^\| ([^|]+) \| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm;
// Without the head and the line below it.
const rows = Array.from((section.split("\n## ")[0] ?? "").matchAll(ROW)).slice(2);

/** The last column by the first, in the order of the page. */
export const EXPLAINED_CASES: ReadonlyMap<string, string> = new Map(
  rows.map(([, what = "", , text = ""]) => [what, text]),
);

/** The cases that, as the page says, were tried on a real node. */
export const CASES_ON_NODE: readonly string[] = rows.flatMap(([, what = "", where = ""]) =>
  where === "node" ? [what] : [],
);
