// What was refused, grouped by code: the causes and whether they still hold, the remedy, and the next commands.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { RefusedRow } from "../../src/operations/status/model.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { causeMessage, nextCommandsOf, type RowsByPod, refusalStateOf, rowsByPod } from "../model/cause.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { messageText, nextCommands, similarRoleNote } from "./cause.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, podLink, roleLink, shown, stateMark, timeText, unknownNotes, viewTitle, withCode } from "./dom.ts";

/** More rows of one code are searched for. */
const ROWS_OF_ONE_CODE = 50;

/** The view. */
export function RefusalsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { refusals, refusalsSince, remedies, similarRoles, unknown } = snapshot;
  const { search, namespace } = route;
  const groups = useMemo(() => {
    const found = searchRows(rowsInNamespace(refusals, namespace), search, 0);
    return [...Map.groupBy(found, ({ code }) => code)];
  }, [refusals, search, namespace]);
  const pods = useMemo(() => rowsByPod(snapshot.pods), [snapshot]);
  const reach =
    refusalsSince === undefined
      ? "from the Events of the last hour, and how sidecars ended"
      : h("span", null, "recorded since ", timeText(refusalsSince, now));
  return h(
    "div",
    { class: "view" },
    viewTitle("Refusals", h("span", null, `${refusals.length} in all, `, reach)),
    unknownNotes([...unknown.refusals, ...unknown.pods]),
    groups.length === 0
      ? emptyNote(refusals.length === 0 ? "Nothing was refused" : "No refusal matches")
      : groups.map(([code, rows]) => codeGroup(code, rows, { remedy: remedies[code], similarRoles, pods, now })),
  );
}

/** What the groups are shown with. */
interface GroupContext {
  readonly remedy: string | undefined;
  readonly similarRoles: UiSnapshot["similarRoles"];
  readonly pods: RowsByPod;
  readonly now: number;
}

function codeGroup(code: string, rows: readonly RefusedRow[], context: GroupContext): ComponentChild {
  const { remedy } = context;
  const pods = new Set(rows.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
  const drawn = rows.slice(0, ROWS_OF_ONE_CODE);
  const steps = [...new Set(drawn.flatMap(nextCommandsOf))];
  return h(
    "section",
    { key: code, class: "refusal" },
    h(
      "h2",
      null,
      h("code", { class: "code" }, shown(code)),
      h("span", { class: "faint" }, pods === 1 ? " one pod" : ` ${pods} pods`),
    ),
    h(
      "div",
      null,
      h(
        "ul",
        { class: "lines" },
        drawn.map((row) => refusalLine(row, context)),
      ),
      rows.length > ROWS_OF_ONE_CODE &&
        h("p", { class: "faint" }, `${rows.length - ROWS_OF_ONE_CODE} more; search for a pod or a namespace`),
    ),
    h(
      "div",
      null,
      remedy !== undefined && h("p", null, h("b", null, "Remedy: "), withCode(remedy)),
      nextCommands(steps.slice(0, MAX_NEXT_COMMANDS)),
    ),
  );
}

/** The commands of more pods are on the pods' own pages. */
const MAX_NEXT_COMMANDS = 6;

function refusalLine(row: RefusedRow, { remedy, similarRoles, pods, now }: GroupContext): ComponentChild {
  const { namespace, pod, container, time, count, message, role } = row;
  const state = refusalStateOf(row, pods, now);
  return h(
    "li",
    { key: `${namespace} ${pod} ${container} ${time} ${role ?? ""}` },
    h("span", { class: "when" }, timeText(time, now)),
    h(
      "div",
      null,
      podLink(namespace, pod),
      container !== "" && ` · ${shown(container)}`,
      count > 1 && ` × ${count}`,
      role !== undefined && [" · ", roleLink(role)],
      state !== undefined && " · ",
      state === "over" ? h("span", { class: "faint" }, "over") : state !== undefined && stateMark(state),
      role !== undefined && similarRoleNote(role, similarRoles),
      messageText(causeMessage({ message, code: row.code }, remedy) ?? message),
    ),
  );
}
