// Every role with what holds it, and one role with who else could have it.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { Known } from "../../src/operations/known.ts";
import type { PodRow, RoleRow } from "../../src/operations/status/model.ts";
import { roleRows } from "../../src/operations/status/role-rows.ts";
import type { UiRoleUser } from "../../src/operations/ui/model.ts";
import { allRows } from "../model/maker.ts";
import { withLastCodes } from "../model/refusal-groups.ts";
import { accountOf, rowsOfRole, shortRole, statesByRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { filterOf, searchRows } from "../model/search.ts";
import {
  countStates,
  countsText,
  holdStateOf,
  STATE_LOOKS,
  type StateCounts,
  severityOf,
  urgentFirst,
  worstState,
} from "../model/state.ts";
import { untilText } from "../model/time.ts";
import { causeBox } from "./cause.ts";
import type { ViewProps } from "./context.ts";
import {
  arnText,
  codeTag,
  countdown,
  countOf,
  emptyNote,
  knownPart,
  roleLink,
  shown,
  stateMark,
  unknownNotes,
  viewTitle,
} from "./dom.ts";
import { listFilters } from "./filters.ts";
import { icon } from "./icon.ts";
import { PodTable } from "./pods.ts";
import { RefusalLists } from "./refusals.ts";
import { type Column, cell, rowsTable, useRowOrder } from "./table.ts";
import { useLoaded } from "./use-loaded.ts";

/** The list. */
export function RolesView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { words, severity } = filterOf(route.search);
  const { found, counts } = useMemo(() => {
    const rows = allRows(snapshot, now);
    return { found: searchRows(roleRows(rows), words, now), counts: statesByRole(rows, now) };
  }, [snapshot, words]);
  const worstOf = ({ role }: RoleRow) => worstState(counts.get(role) ?? {});
  const urgencyOf = (row: RoleRow) => ({ state: worstOf(row), expires: row.nearestExpiry });
  const bySeverity = Map.groupBy(found, (row) => severityOf(worstOf(row)));
  const roles = severity === undefined ? found : (bySeverity.get(severity) ?? []);
  const isOfOneAccount = new Set(roles.map(({ role }) => accountOf(role))).size <= 1;
  const hasRefusals = roles.some(({ codes }) => Object.keys(codes).length > 0);
  const columns: readonly Column<RoleRow>[] = [
    { head: "State", kind: "state", compare: (a, b) => urgentFirst(urgencyOf(a), urgencyOf(b)) },
    { head: "Role", kind: "main", compare: (a, b) => (shortRole(a.role) < shortRole(b.role) ? -1 : 1) },
    ...(isOfOneAccount ? [] : [{ head: "Account", kind: "wide" } as const]),
    { head: "Namespaces", kind: "sub" },
    { head: "Pods", kind: "number", compare: (a, b) => b.pods - a.pods },
    { head: "Next expiry", kind: "end", compare: (a, b) => expiryOf(a) - expiryOf(b) || 0 },
    ...(hasRefusals ? [{ head: "Last refusals", kind: "more" } as const] : []),
  ];
  const order = useRowOrder(columns);
  return h(
    "div",
    { class: "view" },
    viewTitle(
      "Roles",
      `${countOf(roles.length, "role")} that containers hold or need`,
      listFilters({ route, counts: new Map([...bySeverity].map(([key, { length }]) => [key, length])) }),
    ),
    unknownNotes(snapshot.unknown.pods),
    roles.length === 0
      ? emptyNote("No role matches")
      : rowsTable(
          order.heads,
          order
            .sort(roles)
            .map((role) => roleLine(role, { counts: counts.get(role.role) ?? {}, isOfOneAccount, hasRefusals, now })),
          "roles",
        ),
  );
}

const expiryOf = ({ nearestExpiry }: RoleRow) => (nearestExpiry === undefined ? Infinity : Date.parse(nearestExpiry));

/** What a row is shown with. */
interface RoleContext {
  readonly counts: StateCounts;
  readonly isOfOneAccount: boolean;
  readonly hasRefusals: boolean;
  readonly now: number;
}

function roleLine(
  { role, pods, namespaces, nearestExpiry, codes }: RoleRow,
  { counts, isOfOneAccount, hasRefusals, now }: RoleContext,
): ComponentChild {
  const state = worstState(counts);
  const { tone } = STATE_LOOKS[state];
  const refused = Object.entries(codes);
  return h(
    "tr",
    { key: role, class: tone === "bad" ? "failure" : "" },
    cell("state", stateMark(state, countsText(counts))),
    cell("main", roleLink(role)),
    !isOfOneAccount && cell("wide", shown(accountOf(role))),
    cell("sub", shown(namespaces.join(", "))),
    // A workload without a pod is counted with its state.
    cell("number", (pods - (counts.blocked ?? 0)).toLocaleString("en")),
    cell(
      "end",
      nearestExpiry !== undefined && countdown({ to: nearestExpiry, state }, now),
      refused[0] && h("span", { class: "narrow" }, codeTag(refused[0][0], tone)),
    ),
    hasRefusals &&
      cell(
        "more",
        refused.map(([code, count]) => [
          codeTag(code, tone),
          count > 1 && h("span", { class: "faint" }, ` ${countOf(count, "container")} `),
        ]),
      ),
  );
}

/** One role. */
export function RoleView({ snapshot, route, now, load }: ViewProps): ComponentChild {
  const [role = ""] = route.parts;
  const rows = useMemo(() => rowsOfRole(allRows(snapshot, now), role), [snapshot, role]);
  const refusals = useMemo(
    () => withLastCodes(snapshot.refusals, snapshot.pods).filter((row) => row.role === role),
    [snapshot, role],
  );
  const { data, problem } = useLoaded<Known<readonly UiRoleUser[]>>(load, "role", { role }, 15_000);
  // One of them shows what is wrong with the role itself.
  const refused = rows.find((row) => STATE_LOOKS[holdStateOf(row, now)].tone === "bad" && row.code !== undefined);
  const holding = new Map(rows.map((row) => [row.namespace, false]));
  for (const { namespace, expires } of rows) if (expires && Date.parse(expires) > now) holding.set(namespace, true);
  return h(
    "div",
    { class: "view" },
    h("p", { class: "crumbs" }, h("a", { href: fragmentOfRoute({ view: "roles" }) }, "Roles")),
    viewTitle(shown(shortRole(role)), roleLead(role, rows, now)),
    refused && causeBox([refused], { snapshot, isAlone: false, now }),
    h(
      "section",
      null,
      h("h2", null, "Containers with this role"),
      unknownNotes(snapshot.unknown.pods),
      h(PodTable, { rows, now, texts: snapshot, isOfOneRole: true }),
    ),
    h(
      "section",
      null,
      h("h2", null, "Namespaces that may use it"),
      h(
        "p",
        { class: "faint" },
        "Any pod of a namespace that permits the role gets it by naming it: whoever may create pods there can use it.",
      ),
      problem !== undefined && h("p", { class: "problem" }, shown(problem)),
      data === undefined
        ? problem === undefined && h("p", { class: "faint" }, "Asking the policy …")
        : knownPart(data, "who could have the role", (users) => roleUsers(users, holding)),
    ),
    refusals.length === 0
      ? h("section", null, h("h2", null, "Refusals"), emptyNote("Nothing with this role was refused"))
      : h(RefusalLists, {
          // What to do is above.
          ...{ rows: refusals, snapshot, now, opensFirst: refused === undefined },
          titles: ["Refusals happening now", "Refusals that are over"],
        }),
  );
}

/** How its containers are, when the first of its credentials expire, and its ARN. */
function roleLead(role: string, rows: readonly PodRow[], now: number): ComponentChild {
  const counts = countStates(rows.map((row) => holdStateOf(row, now)));
  const [next] = rows.flatMap(({ expires }) => expires ?? []).toSorted((a, b) => Date.parse(a) - Date.parse(b));
  return h(
    "span",
    null,
    rows.length > 0 && stateMark(worstState(counts), countsText(counts)),
    next !== undefined && [" · ", h("span", { key: "next", class: "whole" }, `next expiry: ${untilText(next, now)}`)],
    rows.length > 0 && " · ",
    h("code", null, arnText(role)),
  );
}

/** `holding`: by namespace in which containers name the role, whether one of them holds it. */
function roleUsers(users: readonly UiRoleUser[], holding: ReadonlyMap<string, boolean>): ComponentChild {
  // Those whose containers lack it, then those whose containers hold it.
  const rankOf = ({ namespace }: UiRoleUser) => {
    const isHeld = holding.get(namespace);
    return isHeld === undefined ? 2 : Number(isHeld);
  };
  const permitted = users.filter(({ isPermitted }) => isPermitted).toSorted((a, b) => rankOf(a) - rankOf(b));
  const others = users.filter(({ isPermitted }) => !isPermitted);
  return h(
    "div",
    null,
    permitted.length === 0
      ? emptyNote("No namespace permits it")
      : h(
          "ul",
          { class: "users" },
          permitted.map(({ namespace, isLabelled }) =>
            h(
              "li",
              { key: namespace },
              h("a", { href: fragmentOfRoute({ view: "map", namespace }) }, shown(namespace)),
              h("span", { class: "faint" }, useText(holding.get(namespace), isLabelled)),
            ),
          ),
        ),
    others.length > 0 &&
      h(
        "details",
        { class: "raw" },
        h(
          "summary",
          null,
          icon("next"),
          `${countOf(others.length, "namespace")} ${others.length === 1 ? "does" : "do"} not permit it`,
        ),
        h(
          "ul",
          null,
          others.map(({ namespace, why = "" }) =>
            h("li", { key: namespace }, h("b", null, shown(namespace)), " ", h("span", { class: "faint" }, shown(why))),
          ),
        ),
      ),
  );
}

function useText(isHeld: boolean | undefined, isLabelled: boolean): string {
  if (isHeld) return "holds it now";
  if (isHeld === false) return "permitted; its containers name it and do not hold it";
  return isLabelled ? "permitted, not held" : "permitted, but podrole injects no pod here";
}
