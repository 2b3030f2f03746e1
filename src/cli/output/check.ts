// Findings of podrole check as text, section by section with a hint below each problem, and as JSON.
import {
  CHECK_SECTIONS,
  type CheckState,
  type Finding,
  hasLooked,
  isHealthy,
  type Section,
} from "../../operations/check/finding.ts";
import { countOf } from "../../operations/format.ts";
import { diagnosisLines } from "./diagnosis.ts";
import { escapeControls, jsonText } from "./text.ts";

const STATE_MARKS: Readonly<Record<CheckState, string>> = {
  ok: "ok  ",
  warning: "warn",
  failed: "FAIL",
  skipped: "skip",
};
/** Findings of one check in the text; JSON has all of them. */
const MAX_SHOWN_OBJECTS = 10;

/**
 * Returns the findings section by section, what could not be looked at for want of permissions in one line, and counts.
 * `isQuiet`: only problems, and nothing if there are none.
 */
export function checkText(findings: readonly Finding[], { isQuiet }: { readonly isQuiet: boolean }): string {
  const [only, ...others] = findings;
  if (only?.id === "INSTALLED" && only.state === "failed" && others.length === 0) {
    return `${escapeControls(`podrole check: ${only.message}; see ${only.hint}`)}\n`;
  }
  const shown = findings.filter((finding) => !isForbidden(finding) && (!isQuiet || isProblemFinding(finding)));
  const forbidden = findings.filter(isForbidden);
  if (isQuiet && shown.length === 0 && forbidden.length === 0) return "";
  const sections = [...new Set(shown.map(({ section }) => section))];
  return [
    ...sections.map((section) => sectionText(section, shown)),
    ...(forbidden.length > 0 ? [`${escapeControls(forbiddenLine(forbidden))}\n`] : []),
    `${summaryLine(findings)}\n`,
  ].join("\n");
}

/** A check that could not look, for want of permissions. */
function isForbidden({ needs = [] }: Finding): boolean {
  return needs.length > 0;
}

function isProblemFinding({ state, needs }: Finding): boolean {
  return state === "failed" || state === "warning" || needs !== undefined;
}

/** All missing permissions in one line: one lacking permission stops many checks. */
function forbiddenLine(forbidden: readonly Finding[]): string {
  const needs = [...new Set(forbidden.flatMap((finding) => finding.needs ?? []))];
  const ids = [...new Set(forbidden.map(({ id }) => id))];
  return `cannot look: ${countOf(ids.length, "check")} (${ids.join(", ")}) ${ids.length === 1 ? "needs" : "need"} ${needs.join(", ")}`;
}

/** Returns all findings with their counts. Programs read the names of the fields, so they do not change. */
export function checkJson(findings: readonly Finding[]): string {
  return jsonText({ ok: isHealthy(findings) && hasLooked(findings), counts: countsOf(findings), findings });
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
  const bad = group.some(({ state }) => state === "failed" || state === "warning");
  const alike = [...Map.groupBy(group, sharedText).values()];
  const rest = alike.slice(MAX_SHOWN_OBJECTS).flat().length;
  return [
    ...alike.slice(0, MAX_SHOWN_OBJECTS).flatMap(linesOfAlike),
    ...(rest > 0 ? [`        and ${rest} more (-o json lists all of them)`] : []),
    ...(bad ? [`        see ${group[0]?.hint}`] : []),
  ];
}

/** Findings with the same text are of one cause: it is printed once. Those without a cause are of one object each. */
function sharedText({ object, state, message, cause }: Finding): string {
  return [state, cause ?? `${object}: ${message}`].join(" ");
}

function linesOfAlike([first, ...others]: readonly Finding[]): readonly string[] {
  if (first === undefined) return [];
  const { id, state, message, object } = first;
  const names = others.slice(0, MAX_SHOWN_OBJECTS).map((other) => other.object);
  const more = others.length > MAX_SHOWN_OBJECTS ? ` and ${others.length - MAX_SHOWN_OBJECTS} more` : "";
  return [
    `${STATE_MARKS[state]}  ${id}  ${object === undefined ? "" : `${object}: `}${message}`,
    ...(others.length === 0 ? [] : [`        also ${names.join(", ")}${more}`]),
    ...diagnosisLines(first).map((line) => `        ${line}`),
  ];
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
