// All containers as a list; with a role, those of the role alone.
import { type ComponentChild, h } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import { causeMessage } from "../model/cause.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { type HoldState, holdStateOf, STATE_LOOKS, worseFirst } from "../model/state.ts";
import type { ViewProps } from "./context.ts";
import {
  countdown,
  emptyNote,
  podLink,
  roleLink,
  rowsTable,
  shown,
  stateMark,
  unknownNotes,
  viewTitle,
} from "./dom.ts";

/** More rows than a screen shows; the rest comes when the reader asks for it. */
const ROWS_AT_ONCE = 100;

/** The view. */
export function PodsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { namespace, search } = route;
  const rows = useMemo(
    () => searchRows(rowsInNamespace(snapshot.pods, namespace), search, Date.parse(snapshot.at)),
    [snapshot, namespace, search],
  );
  return h(
    "div",
    { class: "view" },
    viewTitle(
      namespace === undefined ? "Containers" : `Containers of ${shown(namespace)}`,
      `${rows.length} of ${snapshot.pods.length}, the worst first`,
    ),
    unknownNotes(snapshot.unknown.pods),
    h(PodTable, { rows, now }),
  );
}

/** Which rows, and whether all are of one role. */
interface PodTableProps {
  readonly rows: readonly PodRow[];
  readonly now: number;
  readonly isOfOneRole?: boolean;
}

/** The rows, the worst first. */
export function PodTable({ rows, now, isOfOneRole = false }: PodTableProps): ComponentChild {
  const [limit, setLimit] = useState(ROWS_AT_ONCE);
  const sorted = useMemo(() => worstRowsFirst(rows, now), [rows]);
  if (rows.length === 0) return emptyNote("No container matches");
  const more = sorted.length - limit;
  return h(
    "div",
    { class: "scroll" },
    rowsTable(
      ["State", "Pod", "Container", ...(isOfOneRole ? [] : ["Role"]), "Expires in", "Why"],
      sorted.slice(0, limit).map((row) => rowOf(row, now, isOfOneRole)),
    ),
    more > 0 &&
      h(
        "button",
        { class: "plain", type: "button", onClick: () => setLimit(limit + ROWS_AT_ONCE) },
        `Show ${Math.min(more, ROWS_AT_ONCE)} more of ${more}`,
      ),
  );
}

function rowOf(row: PodRow, now: number, isOfOneRole: boolean): ComponentChild {
  const { namespace, pod, container, role, expires, renewed, phase, reason } = row;
  const state = holdStateOf(row, now);
  return h(
    "tr",
    { key: `${namespace}/${pod}/${container}` },
    h(
      "td",
      { "data-label": "State", title: reason === undefined ? phase : `${phase}: ${shown(reason)}` },
      stateMark(state),
    ),
    h("td", { "data-label": "Pod" }, podLink(namespace, pod)),
    h(
      "td",
      { "data-label": "Container" },
      container === "" ? h("span", { class: "faint" }, "unknown") : shown(container),
    ),
    !isOfOneRole && h("td", { "data-label": "Role" }, roleLink(role)),
    h(
      "td",
      { "data-label": "Expires in", class: expires === undefined ? "none" : "" },
      expires === undefined
        ? h("span", { class: "faint" }, row.unknown === undefined ? "–" : "unknown")
        : countdown(renewed, expires, now),
    ),
    whyCell(row, state),
  );
}

/** Code and message in one line, which its title has in full. */
function whyCell(row: PodRow, state: HoldState): ComponentChild {
  const { code, phase, reason } = row;
  const { tone, meaning } = STATE_LOOKS[state];
  const message = causeMessage(row, undefined) ?? (tone === "bad" ? meaning : undefined);
  if (code === undefined && message === undefined)
    return h("td", { "data-label": "Why", class: "why none" }, h("span", { class: "faint" }, "–"));
  const text = shown(message ?? (reason === undefined ? meaning : `${phase}: ${reason}`));
  return h(
    "td",
    { "data-label": "Why", class: "why", title: text },
    h(
      "span",
      { class: "line" },
      code !== undefined && [
        h("code", { key: "code", class: `code ${tone === "bad" ? "bad" : "notice"}` }, shown(code)),
        " ",
      ],
      h("span", { class: "faint" }, text),
    ),
  );
}

function worstRowsFirst(rows: readonly PodRow[], now: number): readonly PodRow[] {
  const withStates = rows.map((row) => ({ row, state: holdStateOf(row, now) }));
  return withStates.toSorted((a, b) => worseFirst(a.state, b.state)).map(({ row }) => row);
}
