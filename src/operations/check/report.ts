// Findings as people read them, section by section; what is not well has its hint below it.
import { visible } from "../../cli/visible.ts";
import { countOf } from "./words.ts";
import { type Finding, SECTIONS, type Section, type State } from "./finding.ts";

const MARKS: Readonly<Record<State, string>> = { ok: "ok  ", warning: "warn", failed: "FAIL", skipped: "skip" };
/** In one check, for people: JSON has them all. */
const MOST_SHOWN = 10;

export function reportText(findings: readonly Finding[]): string {
  const sections = [...new Set(findings.map(({ section }) => section))];
  return [...sections.map((section) => sectionText(section, findings)), `${summary(findings)}\n`].join("\n");
}

export function reportJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: isWell(findings), counts: countsOf(findings), findings }, undefined, 2)}\n`;
}

/** Warnings are allowed. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ state }) => state !== "failed");
}

function sectionText(section: Section, findings: readonly Finding[]): string {
  const groups = Map.groupBy(
    findings.filter((finding) => finding.section === section),
    ({ id }) => id,
  );
  const lines = Array.from(groups.values(), groupLines).flat();
  return `${section}: ${SECTIONS[section]}\n${lines.map((text) => `  ${visible(text)}\n`).join("")}`;
}

function groupLines(group: readonly Finding[]): readonly string[] {
  const rest = group.length - MOST_SHOWN;
  const bad = group.some(({ state }) => state === "failed" || state === "warning");
  return [
    ...group.slice(0, MOST_SHOWN).map(line),
    ...(rest > 0 ? [`        and ${rest} more (-o json has them all)`] : []),
    ...(bad ? [`        see ${group[0]?.hint}`] : []),
  ];
}

function line({ id, state, message, object }: Finding): string {
  return `${MARKS[state]}  ${id}  ${object === undefined ? "" : `${object}: `}${message}`;
}

function summary(findings: readonly Finding[]): string {
  const { ok, warning, failed, skipped } = countsOf(findings);
  return `podrole check: ${ok} ok, ${countOf(warning, "warning")}, ${failed} failed, ${skipped} skipped`;
}

function countsOf(findings: readonly Finding[]): Readonly<Record<State, number>> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { state } of findings) counts[state] += 1;
  return counts;
}
