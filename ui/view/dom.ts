// Small parts that several views share. Text of the cluster becomes text nodes alone, with control characters escaped.
import { type ComponentChild, h } from "preact";
import { escapeControls } from "../../src/cli/output/text.ts";
import type { Known } from "../../src/operations/known.ts";
import type { UnknownPart } from "../../src/operations/status/model.ts";
import { makerOf, type PodMaker } from "../model/maker.ts";
import { shortRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { HOLD_STATES, type HoldState, STATE_LOOKS, type StateCounts } from "../model/state.ts";
import { clockText, relativeText, restOfLife, spanText } from "../model/time.ts";

/** Makes a text of the cluster safe to read: no character of it hides, or changes the direction of others. */
export const shown = (text: string): string => escapeControls(text);

/** A text in which backticks mark code, as remedies have it. */
export function withCode(text: string): ComponentChild {
  return shown(text)
    .split("`")
    .map((part, index) => (index % 2 === 1 ? h("code", { key: index }, part) : part));
}

/** A state with its glyph, in words and in colour. */
export function stateMark(state: HoldState, label: string = STATE_LOOKS[state].label): ComponentChild {
  const { glyph, tone } = STATE_LOOKS[state];
  return h("span", { class: `mark ${tone}` }, h("span", { class: "glyph", "aria-hidden": "true" }, glyph), label);
}

/** Containers by state as one line; what is beside it says the same in words. */
export function stateBar(counts: StateCounts): ComponentChild {
  const parts = HOLD_STATES.filter((state) => counts[state]);
  return h(
    "span",
    { class: "bar", "aria-hidden": "true" },
    parts.map((state) =>
      h("span", { key: state, class: STATE_LOOKS[state].tone, style: { flexGrow: counts[state] ?? 0 } }),
    ),
  );
}

/** A link to a pod. */
export function podLink(namespace: string, pod: string): ComponentChild {
  const name = shown(`${namespace}/${pod}`);
  const maker = makerOf(pod);
  if (maker !== undefined) return neverCreatedLink(namespace, maker);
  return h("a", { href: fragmentOfRoute({ view: "pod", parts: [namespace, pod] }) }, name);
}

function neverCreatedLink(namespace: string, { kind, name }: PodMaker): ComponentChild {
  return [
    h("a", { key: "link", href: fragmentOfRoute({ view: "map", namespace }) }, shown(`${namespace} · ${kind} ${name}`)),
    h("span", { key: "note", class: "faint" }, " no pod was created"),
  ];
}

/** A link to a role, by its short name; the ARN is its title. */
export function roleLink(role: string | undefined): ComponentChild {
  if (role === undefined) return h("span", { class: "faint" }, "none");
  const href = fragmentOfRoute({ view: "role", parts: [role] });
  return h("a", { class: "role-name", href, title: shown(role) }, shown(shortRole(role)));
}

/** A time with how far away it is. */
export function timeText(time: string | undefined, now: number): ComponentChild {
  if (time === undefined || time === "") return h("span", { class: "faint" }, "unknown");
  return h("time", { dateTime: time, title: clockText(time) }, relativeText(time, now) || shown(time));
}

/** What is left of credentials, as a line and in words. */
export function countdown(from: string | undefined, to: string | undefined, now: number): ComponentChild {
  if (to === undefined) return h("span", { class: "faint" }, "unknown");
  const rest = restOfLife(from, to, now);
  const left = Date.parse(to) - now;
  const tone = left <= 0 ? "bad" : rest !== undefined && rest < 0.25 ? "notice" : "good";
  return h(
    "span",
    { class: "countdown", title: clockText(to) },
    rest !== undefined &&
      h(
        "span",
        { class: "life", "aria-hidden": "true" },
        h("span", { class: tone, style: { width: `${rest * 100}%` } }),
      ),
    h(
      "time",
      { dateTime: to, class: left <= 0 ? "bad" : undefined },
      left <= 0 ? `expired ${spanText(left)} ago` : spanText(left),
    ),
  );
}

/** What a view cannot show, and which permission it would need. */
export function unknownNotes(parts: readonly UnknownPart[]): ComponentChild {
  if (parts.length === 0) return null;
  return h(
    "ul",
    { class: "unknown", "aria-label": "Not shown" },
    parts.map(({ what, why, needs }) =>
      h(
        "li",
        { key: what },
        h("b", null, `Not shown: ${shown(what)}. `),
        needs.length > 0 ? `You lack ${shown(needs.join(", "))}.` : shown(why),
      ),
    ),
  );
}

/** A fact, or why it is not known. */
export function knownPart<Value>(
  fact: Known<Value>,
  what: string,
  show: (value: Value) => ComponentChild,
): ComponentChild {
  return "value" in fact ? show(fact.value) : unknownNotes([{ what, why: fact.unknown, needs: fact.needs ?? [] }]);
}

/** A table; on a narrow screen each cell shows the head that its attribute data-label repeats. */
export function rowsTable(heads: readonly string[], rows: readonly ComponentChild[]): ComponentChild {
  return h(
    "table",
    { class: "rows" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        heads.map((head) => h("th", { key: head, scope: "col", class: head === "Pods" ? "number" : undefined }, head)),
      ),
    ),
    h("tbody", null, rows),
  );
}

/** What a view says instead of rows. */
export function emptyNote(title: string, ...more: readonly ComponentChild[]): ComponentChild {
  return h("div", { class: "empty" }, h("p", null, h("b", null, title)), ...more);
}

/** The title of a view; the reader's focus is put on it when the view opens. */
export function viewTitle(title: string, lead?: ComponentChild): ComponentChild {
  return h("div", { class: "title" }, h("h1", { id: "title", tabIndex: -1 }, title), lead && h("p", null, lead));
}
