// The line below the navigation: how many containers are in which state, grouped by how much it matters.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { allRows } from "../model/maker.ts";
import { readingTime } from "../model/reading-time.ts";
import { fragmentOfRoute, type Route } from "../model/route.ts";
import { filterOf, searchWithFilter } from "../model/search.ts";
import {
  countStates,
  type HoldState,
  holdStateOf,
  SEVERITIES,
  SEVERITY_LOOKS,
  type Severity,
  STATE_LOOKS,
  type StateCounts,
  severityCount,
  stateSearch,
} from "../model/state.ts";
import { spanText } from "../model/time.ts";
import { shown } from "./dom.ts";
import { icon } from "./icon.ts";

/** What the line is about. */
export interface SummaryProps {
  readonly snapshot: UiSnapshot;
  readonly route: Route;
  readonly now: number;
  /** Why the page has no new reading. */
  readonly problem: string | undefined;
}

/** The line, and what is wrong with the reading. */
export function Summary({ snapshot, route, now, problem }: SummaryProps): ComponentChild {
  const { at, stale, installation, namespace } = snapshot;
  const counts = useMemo(() => {
    const time = readingTime(at, now);
    return countStates(allRows(snapshot, time).map((row) => holdStateOf(row, time)));
  }, [snapshot]);
  const why = problem ?? stale?.why;
  return h(
    "section",
    { class: "summary", "aria-label": "State of the cluster" },
    h(
      "div",
      { class: "severities", role: "status" },
      namespace === undefined
        ? h("span", { class: "unit" }, "Containers")
        : h("span", { class: "unit named" }, `Containers of ${shown(namespace)}`),
      Object.keys(counts).length === 0
        ? "No container uses podrole"
        : SEVERITIES.map((severity) => severityPart(severity, counts, route)),
    ),
    h("p", { class: "reading" }, readingText(snapshot, why, now, true)),
    why !== undefined &&
      h(
        "p",
        { class: "stale", role: "alert" },
        h("b", null, `Not current: what is shown was read ${spanText(now - Date.parse(stale?.since ?? at))} ago. `),
        shown(why),
      ),
    installation.isAbsent &&
      h(
        "p",
        { class: "stale", role: "alert" },
        `podrole is not installed in this cluster: no Deployment in namespace ${shown(installation.namespace)} runs it`,
      ),
  );
}

/** "3 failing (1 expired · 2 refused)"; "1 failing (expired)". Of the lists it is a filter too: a second choice of it takes it away. */
function severityPart(severity: Severity, counts: StateCounts, route: Route): ComponentChild {
  const { glyph, tone, meaning, states } = SEVERITY_LOOKS[severity];
  const count = severityCount(counts, severity);
  if (count === 0) return null;
  const { view, search, namespace } = route;
  const isList = view === "pods" || view === "roles";
  const isChosen = isList && filterOf(search).severity === severity;
  const place = isList
    ? { view, search, ...(namespace !== undefined && { namespace }) }
    : { view: "pods" as const, search: "" };
  return h(
    "span",
    { key: severity, class: `severity ${tone}` },
    h(
      "a",
      {
        class: "mark",
        href: fragmentOfRoute({
          ...place,
          search: searchWithFilter(place.search, isChosen ? undefined : severity),
        }),
        title: meaning,
        "aria-current": isChosen ? "true" : undefined,
      },
      icon(glyph),
      h("b", { class: "label" }, `${count.toLocaleString("en")} ${severity}`),
    ),
    severity !== "valid" && h("span", { class: "parts" }, "(", statesPart(states, counts), ")"),
  );
}

function statesPart(states: readonly HoldState[], counts: StateCounts): ComponentChild {
  return states
    .filter((state) => counts[state])
    .map((state, index, { length }) => {
      const { label, meaning } = STATE_LOOKS[state];
      const href = fragmentOfRoute({ view: "pods", search: stateSearch(state) });
      // Of one state alone, a second number would seem to be of others.
      const text = length === 1 ? label : `${counts[state]?.toLocaleString("en")} ${label}`;
      return [index > 0 && " · ", h("a", { key: state, href, title: meaning }, text)];
    });
}

/** The programs, all or those that are not ready, and the age of what is shown. */
export function readingText(
  { installation, at }: UiSnapshot,
  why: string | undefined,
  now: number,
  isBrief = false,
): string {
  const { server, webhook, isRegistered } = installation;
  const countOf = (name: string, count: typeof server) =>
    count !== undefined && !(isBrief && count.ready >= count.wanted) && `${name} ${count.ready}/${count.wanted} ready`;
  const parts = [
    countOf("server", server),
    countOf("webhook", webhook),
    isRegistered === false && "webhook not registered",
    why === undefined && `read ${spanText(now - Date.parse(at))} ago`,
  ];
  return parts.filter(Boolean).join(" · ");
}
