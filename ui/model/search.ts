// Limits the rows of a view to a namespace, and to those that contain every word of a search, in any case. Pure; a row's
// text is made once.
import type { PodRow, RefusedRow, RoleRow } from "../../src/operations/status/model.ts";
import {
  HOLD_STATES,
  type HoldState,
  holdStateOf,
  SEVERITIES,
  type Severity,
  STATE_LOOKS,
  severityOf,
  severitySearch,
  stateSearch,
} from "./state.ts";

type AnyRow = PodRow | RoleRow | RefusedRow;

const texts = new WeakMap<AnyRow, string>();

/** Returns the rows of a namespace; all of them without one. */
export function rowsInNamespace<Row extends { readonly namespace: string }>(
  rows: readonly Row[],
  namespace: string | undefined,
): readonly Row[] {
  return namespace === undefined ? rows : rows.filter((row) => row.namespace === namespace);
}

/** Returns the rows that contain every word of the search. */
export function searchRows<Row extends AnyRow>(rows: readonly Row[], search: string, now: number): readonly Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = textOf(row, now);
    return words.every((word) => text.includes(word));
  });
}

const IS_SEVERITY: ReadonlyMap<string, Severity> = new Map(SEVERITIES.map((each) => [severitySearch(each), each]));

/** A search without the severity that it limits a list to, and that severity. */
export interface FilteredSearch {
  readonly words: string;
  readonly severity: Severity | undefined;
}

/** Splits "orders is:failing". */
export function filterOf(search: string): FilteredSearch {
  const words = search.split(/\s+/).filter(Boolean);
  const isFilter = (word: string) => IS_SEVERITY.has(word.toLowerCase());
  return {
    words: words.filter((word) => !isFilter(word)).join(" "),
    severity: IS_SEVERITY.get(words.find(isFilter)?.toLowerCase() ?? ""),
  };
}

/** Returns a search with another severity, or without one. */
export function searchWithFilter(search: string, severity: Severity | undefined): string {
  const { words } = filterOf(search);
  return [words, severity === undefined ? "" : severitySearch(severity)].filter(Boolean).join(" ");
}

/** Makes the texts of rows before the first search needs them. */
export function prepareSearch(rows: readonly AnyRow[], now: number): void {
  for (const row of rows) textOf(row, now);
}

function textOf(row: AnyRow, now: number): string {
  const known = texts.get(row);
  if (known !== undefined) return known;
  const parts: string[] = [];
  for (const value of Object.values(row)) if (typeof value === "string") parts.push(value);
  const text = `${parts.join(" ")} ${moreText(row, now)}`.toLowerCase();
  texts.set(row, text);
  return text;
}

function moreText(row: AnyRow, now: number): string {
  if ("phase" in row) return STATE_TEXTS[holdStateOf(row, now)];
  return "namespaces" in row ? row.namespaces.join(" ") : "";
}

/** What finds the containers of each state. */
const STATE_TEXTS = Object.fromEntries(
  HOLD_STATES.map((state) => [
    state,
    `${STATE_LOOKS[state].label} ${stateSearch(state)} ${severitySearch(severityOf(state))}`,
  ]),
) as Readonly<Record<HoldState, string>>;
