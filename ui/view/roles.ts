// Every role with what holds it, and one role with who else could have it.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { Known } from "../../src/operations/known.ts";
import type { RoleRow } from "../../src/operations/status/model.ts";
import { roleRows } from "../../src/operations/status/pod-rows.ts";
import type { UiRoleUser } from "../../src/operations/ui/model.ts";
import { accountOf, rowsOfRole, shortRole, statesByRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { searchRows } from "../model/search.ts";
import { countsText, holdStateOf, STATE_LOOKS, type StateCounts, worseFirst, worstState } from "../model/state.ts";
import { causeBox } from "./cause.ts";
import type { ViewProps } from "./context.ts";
import {
  countdown,
  emptyNote,
  knownPart,
  roleLink,
  rowsTable,
  shown,
  stateMark,
  unknownNotes,
  viewTitle,
} from "./dom.ts";
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
    viewTitle("Roles", `${roles.length} roles that containers hold, or were given at admission`),
    unknownNotes(snapshot.unknown.pods),
    roles.length === 0
      ? emptyNote("No role matches")
      : h(
          "div",
          { class: "scroll" },
          rowsTable(
            [
              "Role",
              "State",
              ...(isOfOneAccount ? [] : ["Account"]),
              "Pods",
              "Ready",
              "Namespaces",
              "Next expiry",
              "Refusals",
            ],
            roles.map((role) => roleLine(role, { counts: states.get(role.role) ?? {}, isOfOneAccount, now })),
          ),
        ),
  );
}

function roleLine(
  { role, pods, containers, ready, namespaces, nearestExpiry, codes }: RoleRow,
  {
    counts,
    isOfOneAccount,
    now,
  }: { readonly counts: StateCounts; readonly isOfOneAccount: boolean; readonly now: number },
): ComponentChild {
  const refused = Object.entries(codes).map(([code, count]) => `${count} × ${code}`);
  return h(
    "tr",
    { key: role },
    h("td", { "data-label": "Role" }, roleLink(role)),
    h("td", { "data-label": "State" }, stateMark(worstState(counts), countsText(counts))),
    !isOfOneAccount && h("td", { "data-label": "Account" }, shown(accountOf(role)) || "–"),
    h("td", { "data-label": "Pods", class: "number" }, String(pods)),
    h("td", { "data-label": "Ready" }, `${ready} of ${containers}`),
    h("td", { "data-label": "Namespaces" }, shown(namespaces.join(", "))),
    h(
      "td",
      { "data-label": "Next expiry", class: nearestExpiry === undefined ? "none" : "" },
      nearestExpiry === undefined ? "–" : countdown(undefined, nearestExpiry, now),
    ),
    h(
      "td",
      { "data-label": "Refusals", class: refused.length === 0 ? "none" : "" },
      refused.length === 0
        ? "–"
        : refused.map((text) => [
            h("code", { key: text, class: `code ${STATE_LOOKS[worstState(counts)].tone}` }, shown(text)),
            " ",
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
    refused && causeBox(refused, { snapshot, isAlone: false, now }),
    h(
      "section",
      null,
      h("h2", null, "Containers with this role"),
      unknownNotes(snapshot.unknown.pods),
      h(PodTable, { rows, now, isOfOneRole: true }),
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
  const permitted = users.filter(({ isPermitted }) => isPermitted);
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
        null,
        h("summary", null, `${others.length} namespaces do not permit it`),
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
