// Findings of podrole check as text, section by section with a hint below each problem, and as JSON.
import {
  CHECK_SECTIONS,
  type CheckState,
  type Finding,
  isHealthy,
  type Section,
} from "../../operations/check/finding.ts";
import { countOf } from "../../operations/format.ts";
import { escapeControls, jsonText } from "./text.ts";

const STATE_MARKS: Readonly<Record<CheckState, string>> = {
  ok: "ok  ",
  warning: "warn",
  failed: "FAIL",
  skipped: "skip",
};
/** Findings of one check in the text; JSON has all of them. */
const MAX_SHOWN_OBJECTS = 10;

/** Returns the findings section by section, then their counts. */
export function checkText(findings: readonly Finding[]): string {
  const sections = [...new Set(findings.map(({ section }) => section))];
  return [...sections.map((section) => sectionText(section, findings)), `${summaryLine(findings)}\n`].join("\n");
}

/** Returns all findings with their counts. Programs read the names of the fields, so they do not change. */
export function checkJson(findings: readonly Finding[]): string {
  return jsonText({ ok: isHealthy(findings), counts: countsOf(findings), findings });
}

function sectionText(section: Section, findings: readonly Finding[]): string {
  const groups = Map.groupBy(
    findings.filter((finding) => finding.section === section),
    ({ id }) => id,
  );
  const lines = Array.from(groups.values(), findingLines).flat();
  return `${section}: ${CHECK_SECTIONS[section]}\n${lines.map((text) => `  ${escapeControls(text)}\n`).join("")}`;
}

function findingLines(group: readonly Finding[]): readonly string[] {
  const rest = group.length - MAX_SHOWN_OBJECTS;
  const bad = group.some(({ state }) => state === "failed" || state === "warning");
  return [
    ...group.slice(0, MAX_SHOWN_OBJECTS).map(findingLine),
    ...(rest > 0 ? [`        and ${rest} more (-o json lists all of them)`] : []),
    ...(bad ? [`        see ${group[0]?.hint}`] : []),
  ];
}

function findingLine({ id, state, message, object }: Finding): string {
  return `${STATE_MARKS[state]}  ${id}  ${object === undefined ? "" : `${object}: `}${message}`;
}

function summaryLine(findings: readonly Finding[]): string {
  const { ok, warning, failed, skipped } = countsOf(findings);
  return `podrole check: ${ok} ok, ${countOf(warning, "warning")}, ${failed} failed, ${skipped} skipped`;
}

function countsOf(findings: readonly Finding[]): Readonly<Record<CheckState, number>> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { state } of findings) counts[state] += 1;
  return counts;
}
