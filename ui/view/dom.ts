// Small parts that several views share. Text of the cluster becomes text nodes alone, with control characters escaped.
import { type ComponentChild, h } from "preact";
import { escapeControls } from "../../src/cli/output/text.ts";
import type { Known } from "../../src/operations/known.ts";
import type { PodRow, UnknownPart } from "../../src/operations/status/model.ts";
import { makerOf, type PodMaker, workloadNameOf } from "../model/maker.ts";
import { shortRole } from "../model/roles.ts";
import { fragmentOfRoute } from "../model/route.ts";
import {
  HOLD_STATES,
  type HoldState,
  holdStateOf,
  STATE_LOOKS,
  type StateCounts,
  type StateLook,
} from "../model/state.ts";
import { clockText, relativeText, renewalText, restOfLife, untilText } from "../model/time.ts";
import { icon } from "./icon.ts";

/** Makes a text of the cluster safe to read: no character of it hides, or changes the direction of others. */
export const shown = (text: string): string => escapeControls(text);

/** The same for a text of several lines. */
export const shownLines = (text: string): string => text.split("\n").map(shown).join("\n");

/** A text in which backticks mark code, as remedies have it. */
export function withCode(text: string): ComponentChild {
  return shown(text)
    .split("`")
    .map((part, index) => (index % 2 === 1 ? h("code", { key: index }, part) : part));
}

/** "1 pod", "5 pods". */
export function countOf(count: number, unit: string): string {
  return `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"}`;
}

/** A text as a sentence: with a capital letter, and a full stop at its end. Names keep their first letter. */
export function sentence(text: string): string {
  const capital = capitalised(text);
  return /[.?!…]$/.test(capital) ? capital : `${capital}.`;
}

/** A text with a capital letter, unless it begins with a name: of podrole, or of a role. */
export function capitalised(text: string): string {
  return /^(?!podrole)(no:|[a-z]+[ ,.;])/.test(text) ? text.slice(0, 1).toUpperCase() + text.slice(1) : text;
}

/** A state with its icon, in words and in colour. */
export function stateMark(state: HoldState, label: string = STATE_LOOKS[state].label): ComponentChild {
  const { glyph, tone } = STATE_LOOKS[state];
  return h("span", { class: `mark ${tone}` }, icon(glyph), h("span", { class: "label" }, label));
}

/** An error code in the colour of the state that it belongs to. */
export function codeTag(code: string, tone: StateLook["tone"] = "muted"): ComponentChild {
  return h("code", { class: `tag ${tone}` }, shown(code));
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

/** "shop/orders-5d9f4-x2x4q"; of what would have created pods, "shop/intruder". */
export function podName(namespace: string, pod: string): string {
  const maker = makerOf(pod);
  return shown(`${namespace}/${maker === undefined ? pod : workloadNameOf(maker)}`);
}

/** A link to a pod. */
export function podLink(namespace: string, pod: string): ComponentChild {
  const maker = makerOf(pod);
  if (maker !== undefined) return neverCreatedLink(namespace, pod, maker);
  return h("a", { href: fragmentOfRoute({ view: "pod", parts: [namespace, pod] }) }, podName(namespace, pod));
}

function neverCreatedLink(namespace: string, pod: string, { kind, name }: PodMaker): ComponentChild {
  const href = fragmentOfRoute({ view: "map", namespace });
  return [
    h("a", { key: "link", href, title: shown(`${kind} ${name}`) }, podName(namespace, pod)),
    h("span", { key: "note", class: "faint" }, " · no pod was created"),
  ];
}

/** A link to a role, by its short name; the ARN is its title. */
export function roleLink(role: string | undefined): ComponentChild {
  if (role === undefined) {
    const [dash, words] = [h("span", { "aria-hidden": "true" }, "–"), h("span", { class: "unseen" }, "no role")];
    return h("span", { class: "faint" }, dash, words);
  }
  const href = fragmentOfRoute({ view: "role", parts: [role] });
  return h("a", { class: "role-name", href, title: shown(role) }, shown(shortRole(role)));
}

/** An ARN, whose lines break before the name. */
export function arnText(arn: string): ComponentChild {
  const [account = "", ...name] = shown(arn).split("/");
  return [account, name.map((part) => ["/", h("wbr", { key: part }), part])];
}

/** A time with how far away it is. */
export function timeText(time: string | undefined, now: number): ComponentChild {
  if (time === undefined || time === "") return h("span", { class: "faint" }, "unknown");
  return h("time", { dateTime: time, title: clockText(time) }, relativeText(time, now) || shown(time));
}

/** Credentials, and the state of what holds them. */
export interface HeldCredentials {
  readonly from?: string | undefined;
  readonly to: string | undefined;
  readonly state: HoldState;
}

/** What is left of credentials, as a line with a mark at the time of the next renewal, and in words. */
export function countdown({ from, to, state }: HeldCredentials, now: number): ComponentChild {
  if (to === undefined) return h("span", { class: "faint" }, "unknown");
  const rest = restOfLife(from, to, now);
  const { tone } = STATE_LOOKS[Date.parse(to) <= now ? "expired" : state];
  return h(
    "span",
    { class: "countdown", title: `expires ${clockText(to)}` },
    rest !== undefined && lifeLine(rest, tone),
    h("time", { dateTime: to, class: tone === "bad" || tone === "notice" ? tone : undefined }, untilText(to, now)),
  );
}

/** The mark is where the next renewal is expected. */
function lifeLine(rest: number, tone: StateLook["tone"]): ComponentChild {
  return h(
    "span",
    { class: "life", "aria-hidden": "true" },
    h("span", { class: tone, style: { width: `${rest * 100}%` } }),
  );
}

/** When the next renewal is expected; nothing for containers whose state says that none comes, or that it is late. */
export function renewalNote(row: PodRow, now: number): ComponentChild {
  const { renewed, expires } = row;
  if (expires === undefined || holdStateOf(row, now) !== "holding") return null;
  return h("span", { class: "renewal" }, renewalText(renewed, expires, now));
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

/** What a view says instead of rows. */
export function emptyNote(title: string, ...more: readonly ComponentChild[]): ComponentChild {
  return h("div", { class: "empty" }, h("p", null, h("b", null, title)), ...more);
}

/** The title of a view, and what limits its list; the reader's focus is put on the title when the view opens. */
export function viewTitle(title: string, lead?: ComponentChild, limits?: ComponentChild): ComponentChild {
  const head = h("h1", { id: "title", tabIndex: -1 }, title);
  return h("div", { class: "title" }, head, lead && h("p", null, lead), limits);
}
