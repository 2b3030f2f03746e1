// Every role with what holds it, and one role with who else could have it.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { Known } from "../../src/operations/known.ts";
import type { RoleRow } from "../../src/operations/status/model.ts";
import { roleRows } from "../../src/operations/status/role-rows.ts";
import type { UiRoleUser } from "../../src/operations/ui/model.ts";
import { accountOf, rowsOfRole, shortRole, statesByRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { searchRows } from "../model/search.ts";
import { countsText, holdStateOf, STATE_LOOKS, type StateCounts, worseFirst, worstState } from "../model/state.ts";
import { causeBox } from "./cause.ts";
import type { ViewProps } from "./context.ts";
import {
  cell,
  codeTag,
  countdown,
  countOf,
  emptyNote,
  knownPart,
  roleLink,
  rowsTable,
  shown,
  stateMark,
  unknownNotes,
  viewTitle,
} from "./dom.ts";
import { icon } from "./icon.ts";
import { PodTable } from "./pods.ts";
import { useLoaded } from "./use-loaded.ts";

/** The list. */
export function RolesView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { roles, states } = useMemo(() => {
    const at = Date.parse(snapshot.at);
    const counts = statesByRole(snapshot.pods, at);
    const worstOf = ({ role }: RoleRow) => worstState(counts.get(role) ?? {});
    const found = searchRows(roleRows(snapshot.pods), route.search, at);
    return { roles: found.toSorted((a, b) => worseFirst(worstOf(a), worstOf(b))), states: counts };
  }, [snapshot, route.search]);
  const isOfOneAccount = new Set(roles.map(({ role }) => accountOf(role))).size <= 1;
  return h(
    "div",
    { class: "view" },
    viewTitle(
      "Roles",
      `${countOf(roles.length, "role")} that containers hold, or were given at admission; the worst first`,
    ),
    unknownNotes(snapshot.unknown.pods),
    roles.length === 0
      ? emptyNote("No role matches")
      : rowsTable(
          [
            ["State", "state"],
            ["Role", "main"],
            ...(isOfOneAccount ? [] : [["Account", "wide"] as const]),
            ["Pods", "number"],
            ["Namespaces", "wide"],
            ["Next expiry", "wide"],
            ["Last refusals", "more"],
          ],
          roles.map((role) => roleLine(role, { counts: states.get(role.role) ?? {}, isOfOneAccount, now })),
        ),
  );
}

function roleLine(
  { role, pods, namespaces, nearestExpiry, codes }: RoleRow,
  {
    counts,
    isOfOneAccount,
    now,
  }: { readonly counts: StateCounts; readonly isOfOneAccount: boolean; readonly now: number },
): ComponentChild {
  const refused = Object.entries(codes);
  return h(
    "tr",
    { key: role, class: worstState(counts) },
    cell("state", stateMark(worstState(counts), countsText(counts))),
    cell("main", roleLink(role)),
    !isOfOneAccount && cell("wide", shown(accountOf(role))),
    cell("number", String(pods)),
    cell("wide", shown(namespaces.join(", "))),
    cell("wide", nearestExpiry === undefined ? "" : countdown(undefined, nearestExpiry, now)),
    cell(
      "more",
      refused.map(([code, count]) => [
        codeTag(code),
        h("span", { class: "faint" }, ` ${countOf(count, "container")} `),
      ]),
    ),
  );
}

/** One role. */
export function RoleView({ snapshot, route, now, load }: ViewProps): ComponentChild {
  const [role = ""] = route.parts;
  const rows = useMemo(() => rowsOfRole(snapshot.pods, role), [snapshot, role]);
  const { data, problem } = useLoaded<Known<readonly UiRoleUser[]>>(load, "role", { role }, 15_000);
  // One of them shows what is wrong with the role itself.
  const refused = rows.find((row) => STATE_LOOKS[holdStateOf(row, now)].tone === "bad" && row.code !== undefined);
  const holding = new Map(rows.map((row) => [row.namespace, false]));
  for (const { namespace, expires } of rows) if (expires && Date.parse(expires) > now) holding.set(namespace, true);
  return h(
    "div",
    { class: "view" },
    h("p", { class: "crumbs" }, h("a", { href: fragmentOfRoute({ view: "roles" }) }, "Roles")),
    viewTitle(shown(shortRole(role)), h("code", null, shown(role))),
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
