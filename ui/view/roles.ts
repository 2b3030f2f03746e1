// Every role with what holds it, and one role with who else could have it.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { Known } from "../../src/operations/known.ts";
import type { RoleRow } from "../../src/operations/status/model.ts";
import { roleRows } from "../../src/operations/status/pod-rows.ts";
import type { UiRoleUser } from "../../src/operations/ui/model.ts";
import { accountOf, rowsOfRole, shortRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { searchRows } from "../model/search.ts";
import type { ViewProps } from "./context.ts";
import { countdown, emptyNote, roleLink, shown, unknownNotes, viewTitle } from "./dom.ts";
import { PodTable } from "./pods.ts";
import { useLoaded } from "./use-loaded.ts";

/** The list. */
export function RolesView({ snapshot, route, now }: ViewProps): ComponentChild {
  const roles = useMemo(
    () => searchRows(roleRows(snapshot.pods), route.search, Date.parse(snapshot.at)),
    [snapshot, route.search],
  );
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
          h(
            "table",
            { class: "rows" },
            h(
              "thead",
              null,
              h(
                "tr",
                null,
                ["Role", "Account", "Pods", "Ready", "Namespaces", "Next expiry", "Refusals"].map((head) =>
                  h("th", { key: head, scope: "col" }, head),
                ),
              ),
            ),
            h(
              "tbody",
              null,
              roles.map((role) => roleLine(role, now)),
            ),
          ),
        ),
  );
}

function roleLine(
  { role, pods, containers, ready, namespaces, nearestExpiry, codes }: RoleRow,
  now: number,
): ComponentChild {
  const refused = Object.entries(codes).map(([code, count]) => `${count} × ${code}`);
  return h(
    "tr",
    { key: role },
    h("td", { "data-label": "Role" }, roleLink(role)),
    h("td", { "data-label": "Account" }, shown(accountOf(role)) || "–"),
    h("td", { "data-label": "Pods" }, String(pods)),
    h("td", { "data-label": "Ready", class: ready < containers ? "bad" : "" }, `${ready} of ${containers}`),
    h("td", { "data-label": "Namespaces" }, shown(namespaces.join(", "))),
    h(
      "td",
      { "data-label": "Next expiry" },
      nearestExpiry === undefined ? "–" : countdown(undefined, nearestExpiry, now),
    ),
    h(
      "td",
      { "data-label": "Refusals" },
      refused.length === 0 ? "–" : h("span", { class: "bad" }, shown(refused.join(", "))),
    ),
  );
}

/** One role. */
export function RoleView({ snapshot, route, now, load }: ViewProps): ComponentChild {
  const [role = ""] = route.parts;
  const rows = useMemo(() => rowsOfRole(snapshot.pods, role), [snapshot, role]);
  const { data, problem } = useLoaded<Known<readonly UiRoleUser[]>>(load, "role", { role }, 15_000);
  const holding = new Set(rows.map(({ namespace }) => namespace));
  return h(
    "div",
    { class: "view" },
    h("p", { class: "crumbs" }, h("a", { href: fragmentOfRoute({ view: "roles" }) }, "Roles")),
    viewTitle(shown(shortRole(role)), h("code", null, shown(role))),
    h("section", null, h("h2", null, "What holds it"), unknownNotes(snapshot.unknown.pods), h(PodTable, { rows, now })),
    h(
      "section",
      null,
      h("h2", null, "Who else could have it"),
      h(
        "p",
        { class: "faint" },
        "Any pod of a namespace that permits the role gets it by naming it: whoever may create pods there can use it.",
      ),
      problem !== undefined && h("p", { class: "problem" }, shown(problem)),
      data === undefined
        ? problem === undefined && h("p", { class: "faint" }, "Asking the policy …")
        : "unknown" in data
          ? unknownNotes([{ what: "who could have the role", why: data.unknown, needs: data.needs ?? [] }])
          : roleUsers(data.value, holding),
    ),
  );
}

function roleUsers(users: readonly UiRoleUser[], holding: ReadonlySet<string>): ComponentChild {
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
              h(
                "span",
                { class: "faint" },
                holding.has(namespace)
                  ? "holds it now"
                  : isLabelled
                    ? "permitted, not held"
                    : "permitted, but podrole injects no pod here",
              ),
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
