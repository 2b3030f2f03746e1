// The line below the navigation: how many containers are in which state, grouped by how much it matters.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { isBlocked } from "../model/maker.ts";
import { fragmentOfRoute } from "../model/route.ts";
import {
  countStates,
  holdStateOf,
  SEVERITIES,
  SEVERITY_LOOKS,
  type Severity,
  STATE_LOOKS,
  type StateCounts,
  severityCount,
  severitySearch,
  stateSearch,
} from "../model/state.ts";
import { spanText } from "../model/time.ts";
import { countOf, shown } from "./dom.ts";
import { icon } from "./icon.ts";

/** What the line is about. */
export interface SummaryProps {
  readonly snapshot: UiSnapshot;
  readonly now: number;
  /** Why the page has no new reading. */
  readonly problem: string | undefined;
}

/** The line, and what is wrong with the reading. */
export function Summary({ snapshot, now, problem }: SummaryProps): ComponentChild {
  const { pods, refusals, at, stale, installation, namespace } = snapshot;
  const counts = useMemo(() => countStates(pods.map((row) => holdStateOf(row, now))), [snapshot]);
  const blocked = new Set(refusals.filter((row) => isBlocked(row, now)).map((row) => `${row.namespace} ${row.pod}`))
    .size;
  const why = problem ?? stale?.why;
  return h(
    "section",
    { class: "summary", "aria-label": "State of the cluster" },
    h(
      "div",
      { class: "severities", role: "status" },
      namespace !== undefined && h("b", null, `Namespace ${shown(namespace)}:`),
      pods.length === 0 && blocked === 0
        ? "No container uses podrole"
        : SEVERITIES.map((severity) => severityPart(severity, counts, severity === "failing" ? blocked : 0)),
    ),
    h("p", { class: "reading" }, readingText(snapshot, why, now)),
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

/** "3 failing: 1 expired, 2 refused". Workloads without pods are counted with what fails. */
function severityPart(severity: Severity, counts: StateCounts, blocked: number): ComponentChild {
  const { glyph, tone, meaning, states } = SEVERITY_LOOKS[severity];
  const containers = severityCount(counts, severity);
  if (containers + blocked === 0) return null;
  const present = states.filter((state) => counts[state]);
  const parts = [
    ...present.map((state) => ({
      text: `${counts[state]} ${STATE_LOOKS[state].label}`,
      title: STATE_LOOKS[state].meaning,
      href: fragmentOfRoute({ view: "pods", search: stateSearch(state) }),
    })),
    ...(blocked === 0
      ? []
      : [
          {
            text: `${countOf(blocked, "workload")} blocked`,
            title: "Its pods are refused at admission.",
            href: fragmentOfRoute({ view: "refusals" }),
          },
        ]),
  ];
  return h(
    "span",
    { key: severity, class: `severity ${tone}` },
    h(
      "a",
      {
        class: "mark",
        href: fragmentOfRoute({ view: "pods", search: severitySearch(severity) }),
        title: meaning,
      },
      icon(glyph),
      h("b", { class: "label" }, `${(containers + blocked).toLocaleString("en")} ${severity}`),
    ),
    severity !== "valid" &&
      h(
        "span",
        { class: "parts" },
        parts.map(({ text, title, href }, index) => [index > 0 && " · ", h("a", { key: text, href, title }, text)]),
      ),
  );
}

/** The programs, and the age of what is shown; on a narrow screen below the view. */
export function readingText({ installation, at }: UiSnapshot, why: string | undefined, now: number): string {
  const { server, webhook, isRegistered } = installation;
  const parts = [
    server && `server ${server.ready}/${server.wanted}`,
    webhook && `webhook ${webhook.ready}/${webhook.wanted}`,
    isRegistered === false && "webhook not registered",
    why === undefined && `read ${spanText(now - Date.parse(at))} ago`,
  ];
  return parts.filter(Boolean).join(" · ");
}
