// The table of docs/pod-certificates.md with unusual requests: what explain says of the pod, by the case.
import { readText } from "../../files.ts";

const [, section = ""] = readText("docs/pod-certificates.md").split("### What explain says\n");
const ROW = /^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm;
// Without the head and the line below it.
const rows = Array.from((section.split("\n## ")[0] ?? "").matchAll(ROW)).slice(2);

/** The third column by the first, in the order of the page. */
export const EXPLAINED_CASES: ReadonlyMap<string, string> = new Map(rows.map(([, row = "", text = ""]) => [row, text]));
