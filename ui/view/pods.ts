// All containers as a list; with a role, those of the role alone.
import { type ComponentChild, h } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { type HoldState, holdStateOf, STATE_LOOKS, worseFirst } from "../model/state.ts";
import { type WhyContext, whyOf } from "../model/why.ts";
import type { ViewProps } from "./context.ts";
import {
  type Column,
  cell,
  codeTag,
  countdown,
  countOf,
  emptyNote,
  podLink,
  renewalNote,
  roleLink,
  rowsTable,
  sentence,
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
  const pods = useMemo(() => new Set(rows.map((row) => `${row.namespace}/${row.pod}`)).size, [rows]);
  const isAll = rows.length === snapshot.pods.length;
  const containers = isAll
    ? countOf(rows.length, "container")
    : `${rows.length} of ${countOf(snapshot.pods.length, "container")}`;
  return h(
    "div",
    { class: "view" },
    viewTitle(
      namespace === undefined ? "Pods" : `Pods of ${shown(namespace)}`,
      `${containers} in ${countOf(pods, "pod")}, the worst first`,
    ),
    unknownNotes(snapshot.unknown.pods),
    h(PodTable, { rows, now, texts: snapshot }),
  );
}

/** Which rows, and whether all are of one role. */
interface PodTableProps {
  readonly rows: readonly PodRow[];
  readonly now: number;
  readonly texts: WhyContext;
  readonly isOfOneRole?: boolean;
}

/** The rows, the worst first. */
export function PodTable({ rows, now, texts, isOfOneRole = false }: PodTableProps): ComponentChild {
  const [limit, setLimit] = useState(ROWS_AT_ONCE);
  const sorted = useMemo(() => worstRowsFirst(rows, now), [rows]);
  if (rows.length === 0) return emptyNote("No container matches");
  const more = sorted.length - limit;
  const columns: readonly Column[] = [
    ["State", "state"],
    ["Pod", "main"],
    ["Container", "wide"],
    ...(isOfOneRole ? [] : [["Role", "wide"] as const]),
    ["Expires in", "end"],
    ["Why", "more"],
  ];
  return h(
    "div",
    null,
    rowsTable(
      columns,
      sorted.slice(0, limit).map((row) => rowOf(row, { now, texts, isOfOneRole })),
    ),
    more > 0 &&
      h(
        "button",
        { class: "plain", type: "button", onClick: () => setLimit(limit + ROWS_AT_ONCE) },
        `Show ${Math.min(more, ROWS_AT_ONCE)} more of ${more}`,
      ),
  );
}

function rowOf(
  row: PodRow,
  { now, texts, isOfOneRole }: Required<Pick<PodTableProps, "now" | "texts" | "isOfOneRole">>,
): ComponentChild {
  const { namespace, pod, container, role, expires, renewed, phase, reason } = row;
  const state = holdStateOf(row, now);
  return h(
    "tr",
    { key: `${namespace}/${pod}/${container}`, class: state },
    h("td", { class: "state", title: reason === undefined ? phase : `${phase}: ${shown(reason)}` }, stateMark(state)),
    h("td", { class: "main", "data-container": shown(container) }, podLink(namespace, pod)),
    cell("wide", container === "" ? h("span", { class: "faint" }, "unknown") : shown(container)),
    !isOfOneRole && cell("wide", roleLink(role)),
    cell(
      "end",
      expires === undefined
        ? h("span", { class: "faint" }, row.unknown === undefined ? "" : "unknown")
        : [countdown(renewed, expires, now), renewalNote(row, now)],
    ),
    whyCell(row, state, { now, texts }),
  );
}

/** A short sentence, and the code that stands for it everywhere else. */
function whyCell(row: PodRow, state: HoldState, { now, texts }: Pick<PodTableProps, "now" | "texts">): ComponentChild {
  const why = whyOf(row, texts, now);
  if (why === undefined) return cell("more");
  return h(
    "td",
    { class: `more ${STATE_LOOKS[state].tone}` },
    h("span", { class: "sentence" }, shown(sentence(why))),
    row.code !== undefined && [" ", codeTag(row.code)],
  );
}

function worstRowsFirst(rows: readonly PodRow[], now: number): readonly PodRow[] {
  const withStates = rows.map((row) => ({ row, state: holdStateOf(row, now) }));
  return withStates.toSorted((a, b) => worseFirst(a.state, b.state)).map(({ row }) => row);
}
