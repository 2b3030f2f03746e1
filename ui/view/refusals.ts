// What was refused: what goes on, then, folded, what is over; of both by code, with the reasons, the next commands and
// the message.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { RefusedRow } from "../../src/operations/status/model.ts";
import { causeMessage, type EqualRefusals, equalRefusals, refusalStateOf, rowsByPod } from "../model/cause.ts";
import {
  type GroupContext,
  type RefusalGroup,
  refusalCounts,
  refusalGroups,
  sparkBars,
  sparkSpan,
  withLastCodes,
} from "../model/refusal-groups.ts";
import { remedyOf } from "../model/remedy.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { STATE_LOOKS } from "../model/state.ts";
import { spanText } from "../model/time.ts";
import { misspeltNote, rawMessage, reasonsOf } from "./cause.ts";
import type { ViewProps } from "./context.ts";
import {
  codeTag,
  countOf,
  emptyNote,
  podLink,
  roleLink,
  sentence,
  shown,
  stateMark,
  timeText,
  unknownNotes,
  viewTitle,
} from "./dom.ts";
import { icon } from "./icon.ts";
import { remedyPart, remedyText } from "./remedy.ts";

/** More kinds of refusals of one code are searched for. */
const GROUPS_OF_ONE_CODE = 30;

/** The view. */
export function RefusalsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { refusalsSince, unknown } = snapshot;
  const { search, namespace } = route;
  const { found, pods, current, over, span } = useMemo(() => {
    const context = { pods: rowsByPod(snapshot.pods), now };
    const all = withLastCodes(snapshot.refusals, snapshot.pods);
    const rows = searchRows(rowsInNamespace(all, namespace), search, 0);
    const groups = refusalGroups(rows, context);
    return { found: rows, pods: context.pods, ...groups, span: sparkSpan([...groups.current, ...groups.over], now) };
  }, [snapshot, search, namespace]);
  const context = { snapshot, pods, now, span };
  const reach =
    refusalsSince === undefined
      ? "from the Events of the last hour, and how sidecars ended"
      : h("span", null, "recorded since ", timeText(refusalsSince, now));
  return h(
    "div",
    { class: "view" },
    viewTitle("Refusals", h("span", null, refusalCounts(found), ", ", reach)),
    unknownNotes([...unknown.refusals, ...unknown.pods]),
    found.length === 0
      ? emptyNote(snapshot.refusals.length === 0 ? "Nothing was refused" : "No refusal matches")
      : [
          h(
            "section",
            { key: "current" },
            h("h2", null, "Happening now", h("span", { class: "total" }, causesText(current))),
            current.length === 0
              ? emptyNote("Nothing is refused now")
              : current.map((each) => codeGroup(each, context)),
          ),
          over.length > 0 && overPart(over, { context, isOpen: search !== "" }),
        ],
  );
}

function causesText(groups: readonly RefusalGroup[]): string {
  return refusalCounts(groups.flatMap(({ rows }) => rows));
}

function overPart(
  groups: readonly RefusalGroup[],
  { context, isOpen }: { readonly context: ShownContext; readonly isOpen: boolean },
): ComponentChild {
  return h(
    "details",
    { key: `over ${isOpen}`, class: "over", open: isOpen },
    h("summary", null, icon("next"), h("h2", null, "Over", h("span", { class: "total" }, causesText(groups)))),
    groups.map((each) => codeGroup(each, context)),
  );
}

/** What the groups are shown with. */
interface ShownContext extends GroupContext, Pick<ViewProps, "snapshot"> {
  /** Of the spark lines, in milliseconds. */
  readonly span: number;
}

function codeGroup(group: RefusalGroup, context: ShownContext): ComponentChild {
  const { code, rows, state } = group;
  const { briefs, remedies } = context.snapshot;
  const remedy = remedies[code];
  const equal = equalRefusals(rows);
  const drawn = equal.slice(0, GROUPS_OF_ONE_CODE);
  const tone = state === "over" ? "muted" : STATE_LOOKS[state].tone;
  const messages = [...new Set(drawn.map(({ rows: [row] }) => causeMessage(row, remedy) ?? row.message))];
  return h(
    "section",
    { key: `${state} ${code}`, class: `cause refusal ${tone}` },
    h(
      "header",
      null,
      icon(state === "over" ? "check" : STATE_LOOKS[state].glyph),
      h("h3", null, shown(sentence(briefs[code] ?? code))),
      codeTag(code, tone),
      groupTimes(group, context),
    ),
    drawn.map((each, index) =>
      equalPart(each, { ...context, isFirst: index === 0, isOnly: equal.length === 1, isOver: state === "over" }),
    ),
    equal.length > drawn.length &&
      h("p", { class: "faint" }, `${equal.length - drawn.length} more; search for a pod or a namespace`),
    rawMessage(messages.filter(Boolean).join("\n\n") || undefined, remedy),
  );
}

/** How many, the first and the last, and their distribution. */
function groupTimes({ rows, count, first, last }: RefusalGroup, { span, now }: ShownContext): ComponentChild {
  return h(
    "div",
    { class: "times" },
    h(
      "span",
      { class: "spark", "aria-hidden": "true", title: `the last ${spanText(span)}` },
      sparkBars(rows, { span, now }).map((bar, index) => h("i", { key: index, style: { height: `${bar * 100}%` } })),
    ),
    h("span", null, h("b", null, count.toLocaleString("en")), " ×"),
    h("span", null, h("span", { class: "faint" }, "first "), timeText(first, now)),
    h("span", null, h("span", { class: "faint" }, "last "), timeText(last, now)),
  );
}

/** Pods beyond these are behind a click. */
const PODS_OF_ONE_LINE = 3;

/** Pods that were refused for the same reason, and what to do; of what is over, the pods alone. */
function equalPart(
  { key, rows, count }: EqualRefusals,
  context: ShownContext & { readonly isFirst: boolean; readonly isOnly: boolean; readonly isOver: boolean },
): ComponentChild {
  const { snapshot, pods, isFirst, isOnly, isOver } = context;
  const [newest] = rows;
  const { role, code } = newest;
  const rest = rows.slice(PODS_OF_ONE_LINE);
  const known = pods.get(`${newest.namespace}/${newest.pod}`)?.find(({ container }) => container === newest.container);
  const message = causeMessage(newest, snapshot.remedies[code]) ?? newest.message;
  const todo = remedyOf({ ...known, ...newest });
  const steps = todo.steps.length + todo.branches.length;
  return h(
    "div",
    { key, class: "equal" },
    h(
      "div",
      { class: "reason" },
      h(
        "p",
        { class: "what" },
        role === undefined ? h("b", null, shown(newest.namespace)) : roleLink(role),
        !isOnly && h("span", { class: "faint" }, ` ${countOf(count, "refusal")}`),
      ),
      h(
        "ul",
        { class: "refused-pods" },
        rows.slice(0, PODS_OF_ONE_LINE).map((row) => refusedPod(row, { ...context, isOnly: rows.length === 1 })),
      ),
      rest.length > 0 &&
        h(
          "details",
          { class: "raw" },
          h("summary", null, icon("next"), `${rest.length} more`),
          h(
            "ul",
            { class: "refused-pods" },
            rest.map((row) => refusedPod(row, { ...context, isOnly: false })),
          ),
        ),
      misspeltNote({ ...(role !== undefined && { role }), ...known }, snapshot.similarRoles),
      message !== "" && reasonsOf(message, { role, isBranched: todo.branches.length > 0 }),
    ),
    !isOver &&
      (isFirst || steps === 0
        ? h("div", { class: "todo" }, remedyPart(todo), steps === 0 && remedyText(snapshot.remedies[code]))
        : h("details", { class: "todo raw" }, h("summary", null, icon("next"), "Next commands"), remedyPart(todo))),
  );
}

function refusedPod(
  row: RefusedRow,
  { pods, now, isOnly }: ShownContext & { readonly isOnly: boolean },
): ComponentChild {
  const { namespace, pod, container, count, time } = row;
  const state = refusalStateOf(row, pods, now);
  return h(
    "li",
    { key: `${namespace} ${pod} ${container} ${time}` },
    podLink(namespace, pod),
    container !== "" && h("span", { class: "faint" }, ` · ${shown(container)}`),
    !isOnly && count > 1 && h("span", { class: "faint" }, ` × ${count}`),
    state !== undefined && state !== "over" && [h("span", { class: "faint" }, " · "), stateMark(state)],
  );
}
