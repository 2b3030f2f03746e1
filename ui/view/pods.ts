// All containers as a list; with a role, those of the role alone.
import { type ComponentChild, h } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import { type FoldedRow, foldRows } from "../model/fold.ts";
import { allRows, isMaker } from "../model/maker.ts";
import { shortRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { filterOf, rowsInNamespace, searchRows } from "../model/search.ts";
import { type HoldState, holdStateOf, STATE_LOOKS, severityOf, urgentFirst } from "../model/state.ts";
import { type WhyContext, whyOf } from "../model/why.ts";
import type { ViewProps } from "./context.ts";
import {
  codeTag,
  countdown,
  countOf,
  emptyNote,
  podLink,
  podName,
  renewalNote,
  roleLink,
  sentence,
  shown,
  stateMark,
  unknownNotes,
  viewTitle,
} from "./dom.ts";
import { listFilters } from "./filters.ts";
import { icon } from "./icon.ts";
import { type Column, cell, rowsTable, useRowOrder } from "./table.ts";

/** More rows than a screen shows; the rest comes when the reader asks for it. */
const ROWS_AT_ONCE = 100;

/** The view. */
export function PodsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { namespace, search } = route;
  const { words, severity } = filterOf(search);
  const all = useMemo(() => allRows(snapshot, now), [snapshot]);
  const found = useMemo(() => searchRows(rowsInNamespace(all, namespace), words, now), [all, namespace, words]);
  const bySeverity = useMemo(() => Map.groupBy(found, (row) => severityOf(holdStateOf(row, now))), [found]);
  const namespaces = useMemo(() => [...new Set(all.map((row) => row.namespace))].toSorted(), [all]);
  const rows = severity === undefined ? found : (bySeverity.get(severity) ?? []);
  return h(
    "div",
    { class: "view" },
    viewTitle(
      namespace === undefined ? "Pods" : `Pods of ${shown(namespace)}`,
      listLead(rows, all),
      listFilters({
        ...{ route, namespaces },
        counts: new Map([...bySeverity].map(([key, { length }]) => [key, length])),
      }),
    ),
    unknownNotes(snapshot.unknown.pods),
    h(PodTable, { rows, now, texts: snapshot }),
  );
}

/** "3 of 14 containers in 2 pods, and 1 workload without a pod". */
function listLead(rows: readonly PodRow[], all: readonly PodRow[]): string {
  const created = rows.filter(({ pod }) => !isMaker(pod));
  const blocked = rows.length - created.length;
  const pods = new Set(created.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
  const total = all.filter(({ pod }) => !isMaker(pod)).length;
  const containers = rows.length === all.length ? "" : `${created.length.toLocaleString("en")} of `;
  return [
    `${containers}${countOf(total, "container")} in ${countOf(pods, "pod")}`,
    blocked > 0 ? `and ${countOf(blocked, "workload")} without a pod` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** Which rows, and whether all are of one role. */
interface PodTableProps {
  readonly rows: readonly PodRow[];
  readonly now: number;
  readonly texts: WhyContext;
  readonly isOfOneRole?: boolean;
}

const nameOf = ({ namespace, pod, container }: PodRow) => `${namespace}/${pod}/${container}`;
const expiryOf = ({ expires }: PodRow) => (expires === undefined ? Infinity : Date.parse(expires));
const byText = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);

/** The rows in the order that the reader chooses, the worst first; equal valid ones as one row. */
export function PodTable({ rows, now, texts, isOfOneRole = false }: PodTableProps): ComponentChild {
  const [limit, setLimit] = useState(ROWS_AT_ONCE);
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const folded = useMemo(() => foldRows(rows, now), [rows]);
  const states = useMemo(() => new Map(rows.map((row) => [row, holdStateOf(row, now)])), [rows]);
  const urgencyOf = (row: PodRow) => ({ state: states.get(row) ?? "unknown", expires: row.expires });
  const hasWhy = useMemo(() => rows.some((row) => whyOf(row, texts, now) !== undefined), [rows]);
  const first = (compare: (a: PodRow, b: PodRow) => number) => (a: FoldedRow, b: FoldedRow) =>
    compare(a.rows[0], b.rows[0]);
  const columns: readonly Column<FoldedRow>[] = [
    { head: "State", kind: "state", compare: first((a, b) => urgentFirst(urgencyOf(a), urgencyOf(b))) },
    { head: "Pod", kind: "main", compare: first((a, b) => byText(nameOf(a), nameOf(b))) },
    ...(isOfOneRole
      ? []
      : [
          {
            ...({ head: "Role", kind: "sub" } as const),
            compare: first((a, b) => byText(shortRole(a.role ?? ""), shortRole(b.role ?? ""))),
          },
        ]),
    {
      ...({ head: "Credentials", legend: "│ renewal", kind: "end" } as const),
      compare: first((a, b) => expiryOf(a) - expiryOf(b) || 0),
    },
    ...(hasWhy ? [{ head: "Why", kind: "more" } as const] : []),
  ];
  const order = useRowOrder(columns);
  if (rows.length === 0) return emptyNote("No container matches");
  const sorted = order.sort(folded);
  const more = sorted.length - limit;
  const context = { now, texts, isOfOneRole, hasWhy };
  const inside = { ...context, isInside: true };
  const toggle = (key: string) => setUnfolded(unfolded.symmetricDifference(new Set([key])));
  return h(
    "div",
    null,
    rowsTable(
      order.heads,
      sorted.slice(0, limit).flatMap((each) => {
        if (each.rows.length === 1) return rowOf(each.rows[0], context);
        const isOpen = unfolded.has(each.key);
        const head = foldedRow(each, { ...context, isOpen, onToggle: () => toggle(each.key) });
        return isOpen ? [head, each.rows.map((row) => rowOf(row, inside))] : head;
      }),
      "pods",
    ),
    more > 0 &&
      h(
        "button",
        { class: "plain", type: "button", onClick: () => setLimit(limit + ROWS_AT_ONCE) },
        `Show ${Math.min(more, ROWS_AT_ONCE)} more of ${more}`,
      ),
  );
}

/** What a row is shown with. */
interface RowContext extends Required<Omit<PodTableProps, "rows">> {
  readonly hasWhy: boolean;
  /** True for a row of an open group. */
  readonly isInside?: boolean;
}

function rowOf(row: PodRow, { now, texts, isOfOneRole, hasWhy, isInside = false }: RowContext): ComponentChild {
  const { namespace, pod, container, role, phase, reason } = row;
  const state = holdStateOf(row, now);
  return h(
    "tr",
    { key: nameOf(row), class: `${STATE_LOOKS[state].tone === "bad" ? "failure" : ""}${isInside ? " inside" : ""}` },
    h("td", { class: "state", title: reason === undefined ? phase : `${phase}: ${shown(reason)}` }, stateMark(state)),
    state === "blocked"
      ? cell("main", blockedLink(row))
      : cell("main", podLink(namespace, pod), containerText(container)),
    !isOfOneRole && cell("sub", roleLink(role)),
    credentialsCell(row, state, now),
    hasWhy && whyCell(row, state, { now, texts }),
  );
}

/** A workload without a pod leads to its refusals. */
function blockedLink({ namespace, pod, code = "" }: PodRow): ComponentChild {
  const name = podName(namespace, pod);
  return h("a", { href: fragmentOfRoute({ view: "refusals", parts: [code], namespace }), title: shown(pod) }, name);
}

function containerText(container: string): ComponentChild {
  return h("span", { class: "faint" }, ` · ${container === "" ? "all containers" : shown(container)}`);
}

/** Several pods of one workload: the time is that of the one whose credentials expire first. */
function foldedRow(
  { key, rows }: FoldedRow,
  context: RowContext & { readonly isOpen: boolean; readonly onToggle: () => void },
): ComponentChild {
  const { now, isOfOneRole, hasWhy, isOpen, onToggle } = context;
  const [first] = rows;
  const { namespace, workload = "", container, role } = first;
  const name = `${namespace}/${workload.split(/\/(.*)/s)[1] ?? workload}`;
  return h(
    "tr",
    { key, class: "folded" },
    cell("state", stateMark("holding")),
    cell(
      "main",
      h(
        "button",
        { class: "fold", type: "button", "aria-expanded": isOpen, onClick: onToggle },
        h("span", { class: "name" }, shown(name)),
        containerText(container),
        h("span", { class: "pods" }, countOf(rows.length, "pod"), icon("next")),
      ),
    ),
    !isOfOneRole && cell("sub", roleLink(role)),
    credentialsCell(first, "holding", now),
    hasWhy && cell("more"),
  );
}

function credentialsCell(row: PodRow, state: HoldState, now: number): ComponentChild {
  const { expires, renewed, code, unknown } = row;
  // Where there is no column of reasons.
  const tag = code !== undefined && h("span", { class: "narrow" }, codeTag(code, STATE_LOOKS[state].tone));
  if (expires !== undefined) {
    return cell("end", countdown({ from: renewed, to: expires, state }, now), renewalNote(row, now), tag);
  }
  return cell(
    "end",
    state === "blocked" && h("span", { class: "faint wide" }, "no pod was created"),
    unknown !== undefined && h("span", { class: "faint" }, "unknown"),
    tag,
  );
}

/** A short sentence, and the code that stands for it everywhere else. */
function whyCell(row: PodRow, state: HoldState, { now, texts }: Pick<PodTableProps, "now" | "texts">): ComponentChild {
  const why = whyOf(row, texts, now);
  if (why === undefined) return cell("more");
  return cell(
    "more",
    row.code !== undefined && [codeTag(row.code, STATE_LOOKS[state].tone), " "],
    h("span", { class: "sentence" }, shown(sentence(why))),
  );
}
