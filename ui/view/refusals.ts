// What was refused, grouped by code: the reasons and whether they still hold, the next commands, and the message.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { RefusedRow } from "../../src/operations/status/model.ts";
import {
  causeMessage,
  type EqualRefusals,
  equalRefusals,
  nextCommandsOf,
  type RowsByPod,
  refusalStateOf,
  refusalWorstFirst,
  rowsByPod,
} from "../model/cause.ts";
import { makerOf } from "../model/maker.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { STATE_LOOKS } from "../model/state.ts";
import { commandList, misspeltNote, rawMessage, reasonsOf, remedyText } from "./cause.ts";
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

/** More kinds of refusals of one code are searched for. */
const GROUPS_OF_ONE_CODE = 30;

/** The view. */
export function RefusalsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { refusals, refusalsSince, unknown } = snapshot;
  const { search, namespace } = route;
  const pods = useMemo(() => rowsByPod(snapshot.pods), [snapshot]);
  const found = useMemo(
    () => searchRows(rowsInNamespace(refusals, namespace), search, 0),
    [refusals, search, namespace],
  );
  const groups = useMemo(() => {
    const sorted = found.toSorted((a, b) => refusalWorstFirst(a, b, { pods, now: Date.parse(snapshot.at) }));
    return [...Map.groupBy(sorted, ({ code }) => code)];
  }, [found, pods]);
  const reach =
    refusalsSince === undefined
      ? "from the Events of the last hour, and how sidecars ended"
      : h("span", null, "recorded since ", timeText(refusalsSince, now));
  return h(
    "div",
    { class: "view" },
    viewTitle("Refusals", h("span", null, refusalCounts(found), ", ", reach)),
    unknownNotes([...unknown.refusals, ...unknown.pods]),
    groups.length === 0
      ? emptyNote(refusals.length === 0 ? "Nothing was refused" : "No refusal matches")
      : groups.map(([code, rows]) => codeGroup(code, rows, { snapshot, pods, now })),
  );
}

/** Attempts, pods, and workloads whose pods were not created: the view and each group in it count the same. */
function refusalCounts(rows: readonly RefusedRow[]): string {
  const [workloads, pods] = [true, false].map((isMaker) => {
    const found = rows.filter(({ pod }) => (makerOf(pod) !== undefined) === isMaker);
    return new Set(found.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
  });
  const attempts = rows.reduce((sum, { count }) => sum + count, 0);
  const of = [pods ? countOf(pods, "pod") : "", workloads ? countOf(workloads, "workload") : ""].filter(Boolean);
  return [countOf(attempts, "refusal"), of.join(" and ")].filter(Boolean).join(" of ");
}

/** What the groups are shown with. */
interface GroupContext extends Pick<ViewProps, "snapshot" | "now"> {
  readonly pods: RowsByPod;
}

function codeGroup(code: string, rows: readonly RefusedRow[], context: GroupContext): ComponentChild {
  const { briefs, remedies } = context.snapshot;
  const remedy = remedies[code];
  const equal = equalRefusals(rows);
  const drawn = equal.slice(0, GROUPS_OF_ONE_CODE);
  const steps = [...new Set(drawn.flatMap(({ rows: [first] }) => nextCommandsOf(first)))];
  const isOver = rows.every((row) => refusalStateOf(row, context.pods, context.now) === "over");
  const messages = [...new Set(drawn.map(({ rows: [row] }) => causeMessage(row, remedy) ?? row.message))];
  return h(
    "section",
    { key: code, class: `cause refusal ${isOver ? "muted" : "bad"}` },
    h(
      "header",
      null,
      icon(isOver ? "check" : "ban"),
      h("h2", null, shown(sentence(briefs[code] ?? code))),
      codeTag(code),
      h("span", { class: "faint" }, refusalCounts(rows)),
    ),
    h(
      "div",
      { class: "reason" },
      drawn.map((group) => equalLine(group, context)),
      equal.length > drawn.length &&
        h("p", { class: "faint" }, `${equal.length - drawn.length} more; search for a pod or a namespace`),
    ),
    h(
      "div",
      { class: "todo" },
      commandList(steps.slice(0, MAX_NEXT_COMMANDS)),
      steps.length === 0 && remedyText(remedy),
    ),
    rawMessage(messages.join("\n\n"), steps.length === 0 ? undefined : remedy),
  );
}

/** The commands of more pods are on the pods' own pages. */
const MAX_NEXT_COMMANDS = 6;

/** Pods beyond these are behind a click. */
const PODS_OF_ONE_LINE = 3;

/** Pods that were refused for the same reason: the newest ones, and how many. */
function equalLine({ key, rows, count }: EqualRefusals, context: GroupContext): ComponentChild {
  const { snapshot, pods, now } = context;
  const [newest] = rows;
  const { role, code } = newest;
  const rest = rows.slice(PODS_OF_ONE_LINE);
  const known = pods.get(`${newest.namespace}/${newest.pod}`)?.find(({ container }) => container === newest.container);
  return h(
    "div",
    { key, class: "equal" },
    h(
      "p",
      { class: "what" },
      role === undefined ? h("b", null, shown(newest.namespace)) : roleLink(role),
      h("span", { class: "faint" }, ` ${countOf(count, "attempt")}, the last `, timeText(newest.time, now)),
    ),
    misspeltNote({ ...(role !== undefined && { role }), ...known }, snapshot.similarRoles),
    reasonsOf(causeMessage(newest, snapshot.remedies[code]) ?? newest.message, role),
    h(
      "ul",
      { class: "refused-pods" },
      rows.slice(0, PODS_OF_ONE_LINE).map((row) => refusedPod(row, context)),
    ),
    rest.length > 0 &&
      h(
        "details",
        { class: "raw" },
        h("summary", null, icon("next"), `${rest.length} more`),
        h(
          "ul",
          { class: "refused-pods" },
          rest.map((row) => refusedPod(row, context)),
        ),
      ),
  );
}

function refusedPod(row: RefusedRow, { pods, now }: GroupContext): ComponentChild {
  const { namespace, pod, container, count, time } = row;
  const state = refusalStateOf(row, pods, now);
  return h(
    "li",
    { key: `${namespace} ${pod} ${container} ${time}` },
    podLink(namespace, pod),
    container !== "" && h("span", { class: "faint" }, ` · ${shown(container)}`),
    count > 1 && h("span", { class: "faint" }, ` × ${count}`),
    state !== undefined && h("span", { class: "faint" }, " · "),
    state === "over"
      ? h("span", { class: "faint" }, "over")
      : state !== undefined && stateMark(state, STATE_LOOKS[state].label),
  );
}
