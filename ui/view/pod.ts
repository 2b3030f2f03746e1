// One pod: what it holds now, the decision on it step by step, its Events, and its audit lines.
import { type ComponentChild, h } from "preact";
import type { Explanation } from "../../src/operations/explain/model.ts";
import type { Known } from "../../src/operations/known.ts";
import type { PodRow } from "../../src/operations/status/model.ts";
import type { UiAuditStep, UiEvent, UiPod } from "../../src/operations/ui/model.ts";
import { messageParts, rowsByCause, withoutContainer } from "../model/cause.ts";
import { type DecisionStep, decisionMarks, decisionSteps, restartsText } from "../model/decision.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { countStates, holdStateOf, STATE_LOOKS, worstState } from "../model/state.ts";
import { equalSteps, withCaller } from "../model/steps.ts";
import { clockText, relativeText, timeOfDayText } from "../model/time.ts";
import { whyOf } from "../model/why.ts";
import { causeBox } from "./cause.ts";
import type { ViewProps } from "./context.ts";
import {
  arnText,
  capitalised,
  codeTag,
  countdown,
  emptyNote,
  knownPart,
  renewalNote,
  roleLink,
  sentence,
  shown,
  stateMark,
  timeText,
  unknownNotes,
  viewTitle,
} from "./dom.ts";
import { icon } from "./icon.ts";
import { useLoaded } from "./use-loaded.ts";

/** The view. */
export function PodView({ snapshot, route, now, load }: ViewProps): ComponentChild {
  const [namespace = "", name = ""] = route.parts;
  const rows = snapshot.pods.filter((row) => row.namespace === namespace && row.pod === name);
  const { data, problem } = useLoaded<UiPod>(load, "pod", { namespace, name }, 5_000);
  const audit = useLoaded<Known<readonly UiAuditStep[]>>(load, "audit", { namespace, name });
  const [first] = rows;
  // What the box above says in full, by the message that an Event has too.
  const causes = new Map(
    rows.flatMap((row) =>
      row.message === undefined ? [] : [[whatHappened(row.message), whyOf(row, snapshot, now) ?? row.message] as const],
    ),
  );
  return h(
    "div",
    { class: "view" },
    h(
      "p",
      { class: "crumbs" },
      h("a", { href: fragmentOfRoute({ view: "map", namespace }) }, shown(namespace)),
      first?.workload !== undefined && ` › ${shown(first.workload)}`,
    ),
    viewTitle(
      shown(name),
      rows.length === 0
        ? "Not among the pods that use podrole now"
        : h(
            "span",
            null,
            stateMark(worstState(countStates(rows.map((row) => holdStateOf(row, now))))),
            placeText(first, now),
          ),
    ),
    unknownNotes(snapshot.unknown.pods),
    decisionPart(data, problem),
    rowsByCause(rows).map((alike) => causeBox(alike, { snapshot, isAlone: alike.length === rows.length, now })),
    h(
      "div",
      { class: "pod" },
      h(
        "div",
        { class: "side" },
        h(
          "section",
          null,
          h("h2", null, "Containers"),
          rows.length === 0
            ? emptyNote("Nothing that podrole knows of")
            : h(
                "ul",
                { class: "holds" },
                rows.map((row) => heldCard(row, now)),
              ),
        ),
        h(
          "section",
          null,
          h("h2", null, "Events of the last hour"),
          data !== undefined && knownPart(data.events, "Events", (events) => eventList(events, { causes, now })),
        ),
      ),
      h(
        "div",
        null,
        h(
          "section",
          null,
          h("h2", null, "Audit lines of the last day"),
          audit.problem !== undefined && h("p", { class: "problem" }, shown(audit.problem)),
          audit.data === undefined
            ? h("p", { class: "faint" }, "Reading podrole's logs …")
            : knownPart(audit.data, "audit lines", (lines) => auditList(lines, now)),
        ),
      ),
    ),
  );
}

/** Parts that no line breaks. */
function placeText(row: PodRow | undefined, now: number): ComponentChild {
  if (row === undefined) return null;
  const { node, created, restarts } = row;
  const parts = [
    node !== undefined && `on node ${shown(node)}`,
    created !== undefined && `created ${relativeText(created, now)}`,
    restarts > 0 && `${restartsText(restarts)} of its sidecar`,
  ];
  return parts.map((part) => part !== false && [" · ", h("span", { key: part, class: "whole" }, part)]);
}

function heldCard(row: PodRow, now: number): ComponentChild {
  const { container, role, roleFrom, expires, renewed, unknown } = row;
  const state = holdStateOf(row, now);
  const left =
    expires === undefined
      ? h("span", { class: "faint" }, shown(unknown ?? "it holds nothing that expires"))
      : countdown({ from: renewed, to: expires, state }, now);
  // Its cause says why it holds nothing.
  const holdsNothing = expires === undefined && STATE_LOOKS[state].tone === "bad";
  return h(
    "li",
    { key: container },
    h("div", { class: "held" }, h("b", null, container === "" ? "all containers" : shown(container)), stateMark(state)),
    h(
      "dl",
      null,
      h("dt", null, "Role"),
      h("dd", null, roleLink(role), role !== undefined && h("code", { class: "arn" }, arnText(role))),
      roleFrom !== undefined && h("dt", null, "Known from"),
      roleFrom !== undefined && h("dd", null, ROLE_SOURCE_TEXTS[roleFrom]),
      !holdsNothing && h("dt", null, "Credentials"),
      !holdsNothing && h("dd", null, left, renewalNote(row, now)),
      // The first ones too.
      renewed !== undefined && h("dt", null, "Issued"),
      renewed !== undefined && h("dd", null, timeText(renewed, now)),
    ),
  );
}

const ROLE_SOURCE_TEXTS = {
  server: "podrole's server, which decided it",
  pin: "the pod's pin, written at admission",
  admission: "the pod's annotation, written at admission",
} as const;

/** The decision as one row, which opens to its steps; it has its place before it is known. */
function decisionPart(data: UiPod | undefined, problem: string | undefined): ComponentChild {
  if (data !== undefined) {
    const failed = problem !== undefined && h("p", { key: "problem", class: "problem" }, shown(problem));
    return [failed, knownPart(data.explanation, "the decision", decision)];
  }
  return h(
    "div",
    { class: "decision" },
    h(
      "div",
      { class: "row" },
      h("h2", null, "The decision"),
      problem === undefined
        ? h("span", { class: "faint" }, "Asking …")
        : h("span", { class: "problem" }, shown(problem)),
    ),
  );
}

function decision(explanation: Explanation): ComponentChild {
  const steps = decisionSteps(explanation);
  return h(
    "details",
    { class: "decision" },
    h(
      "summary",
      { class: "row" },
      h("h2", null, "The decision"),
      h(
        "span",
        { class: "marks" },
        decisionMarks(steps).map(({ text, tone }) =>
          h(
            "span",
            { key: text, class: `mark ${tone}` },
            icon(STEP_ICONS[tone]),
            h("span", { class: "unseen" }, STEP_RESULTS[tone]),
            text,
          ),
        ),
      ),
      h("span", { class: "fold-mark" }, icon("next")),
    ),
    h(
      "ol",
      { class: "steps" },
      steps.map((step, index) => h("li", { key: index, class: step.tone }, stepContent(step))),
    ),
  );
}

const STEP_RESULTS: Readonly<Record<DecisionStep["tone"], string>> = {
  good: "passed: ",
  bad: "failed: ",
  notice: "to look at: ",
  muted: "",
};

const STEP_ICONS = { good: "check", bad: "cross", notice: "warning", muted: "dot" } as const;

function stepContent({ title, text, details, tone }: DecisionStep): ComponentChild {
  return [
    h("span", { key: "icon", class: "bullet" }, icon(STEP_ICONS[tone])),
    h("b", { key: "title" }, h("span", { class: "unseen" }, STEP_RESULTS[tone]), title),
    text !== "" && h("span", { key: "text" }, shown(capitalised(text))),
    details.length > 0 &&
      h(
        "ul",
        { key: "details" },
        details.map((detail) => h("li", { key: detail }, shown(capitalised(detail)))),
      ),
  ];
}

function eventList(
  events: readonly UiEvent[],
  { causes, now }: { readonly causes: ReadonlyMap<string, string>; readonly now: number },
): ComponentChild {
  if (events.length === 0) return emptyNote("No Event");
  const equal = Map.groupBy(events, ({ reason, message }) => `${reason} ${message}`);
  return h(
    "ul",
    { class: "lines" },
    [...equal].map(([key, [{ time, type, reason, message } = NO_EVENT, ...others]]) => {
      const total = [...(equal.get(key) ?? [])].reduce((sum, { count }) => sum + count, 0);
      return h(
        "li",
        { key },
        h("span", { class: "when" }, timeText(time, now)),
        h("span", null, codeTag(reason, type === "Warning" ? "bad" : "muted")),
        h(
          "p",
          { class: "text" },
          shown(sentence(causes.get(whatHappened(message)) ?? withoutRemedy(message))),
          total > 1 && h("span", { class: "faint" }, ` × ${total}`),
          others.length > 0 && h("span", { class: "faint" }, ` in ${others.length + 1} Events`),
        ),
      );
    }),
  );
}

const NO_EVENT: UiEvent = { time: "", type: "", reason: "", message: "", count: 0 };

/** What an Event and a cause have in common: a sidecar's message may lack its end. */
function whatHappened(message: string): string {
  return messageParts(withoutRemedy(message)).text;
}

/** The remedy is with the cause. */
function withoutRemedy(message: string): string {
  return withoutContainer(message.split(" -- ", 1)[0] ?? "");
}

function auditList(lines: readonly UiAuditStep[], now: number): ComponentChild {
  if (lines.length === 0)
    return emptyNote("No audit line mentions this pod; the logs of running pods reach back to their start");
  return h(
    "ul",
    { class: "lines" },
    equalSteps(lines).map(({ at, what, text, count, since }) =>
      h(
        "li",
        { key: `${at} ${what} ${text}` },
        h("span", { class: "when" }, h("time", { dateTime: at, title: clockText(at) }, shown(timeOfDayText(at, now)))),
        h("span", null, codeTag(what, what === "refused" ? "bad" : "muted")),
        h(
          "p",
          { class: "text", title: shown(text) },
          // The reasons are with the cause.
          shown(withCaller(messageParts(text).text)),
          count > 1 && h("span", { class: "faint" }, ` × ${count} since ${shown(timeOfDayText(since, now))}`),
        ),
      ),
    ),
  );
}
