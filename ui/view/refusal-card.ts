// One entry of a list of refusals: a code with what it means, how often and when; opened, whom it hit, what to do, and
// the message.
import { type ComponentChild, h } from "preact";
import type { RefusedRow } from "../../src/operations/status/model.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import {
  causeMessage,
  type EqualRefusals,
  equalRefusals,
  messageParts,
  type RowsByPod,
  refusalStateOf,
  stateInMessage,
} from "../model/cause.ts";
import type { RefusalGroup } from "../model/refusal-groups.ts";
import { remedyOf } from "../model/remedy.ts";
import { STATE_LOOKS } from "../model/state.ts";
import { forbiddenText } from "../model/why.ts";
import { misspeltNote, rawMessage, reasonsOf } from "./cause.ts";
import { codeTag, countOf, podLink, podName, roleLink, sentence, shown, stateMark, timeText } from "./dom.ts";
import { icon } from "./icon.ts";
import { recoveryText, remedyPart, remedyText } from "./remedy.ts";

/** What an entry is shown with. */
export interface CardContext {
  readonly snapshot: UiSnapshot;
  readonly pods: RowsByPod;
  readonly now: number;
  /** Heights of the spark line's bars, from 0 to 1. */
  readonly spark: readonly number[];
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}

/** More kinds of refusals of one code are searched for. */
const GROUPS_OF_ONE_CODE = 30;

/** The entry. */
export function refusalCard(group: RefusalGroup, context: CardContext): ComponentChild {
  const { code, rows, state } = group;
  const { snapshot, isOpen, onOpen } = context;
  const remedy = snapshot.remedies[code];
  const equal = equalRefusals(rows);
  const drawn = equal.slice(0, GROUPS_OF_ONE_CODE);
  const isOver = state === "over";
  const messages = [...new Set(drawn.map(({ rows: [row] }) => causeMessage(row, remedy) ?? row.message))];
  return h(
    "details",
    {
      key: code,
      class: `refusal ${isOver ? "muted" : STATE_LOOKS[state].tone}`,
      open: isOpen,
      onToggle: ({ currentTarget }: { readonly currentTarget: HTMLDetailsElement }) =>
        currentTarget.open && !isOpen && onOpen(),
    },
    h("summary", null, cardHead(group, context), inBrief(group, context)),
    h(
      "div",
      { class: "body" },
      drawn.map((each, index) =>
        equalPart(each, { ...context, isFirst: index === 0, isOnly: equal.length === 1, isOver }),
      ),
      equal.length > drawn.length &&
        h("p", { class: "faint" }, `${equal.length - drawn.length} more; search for a pod or a namespace`),
      rawMessage(messages.filter(Boolean).join("\n\n") || undefined, remedy),
    ),
  );
}

/** What it is, how many, their distribution, the first and the last. */
function cardHead({ code, state, count, first, last }: RefusalGroup, context: CardContext): ComponentChild {
  const { snapshot, spark, now } = context;
  const [glyph, tone] =
    state === "over" ? (["check", "muted"] as const) : ([STATE_LOOKS[state].glyph, STATE_LOOKS[state].tone] as const);
  return [
    h("span", { key: "icon", class: "glyph" }, icon(glyph)),
    h(
      "span",
      { key: "name", class: "name" },
      h("h3", null, shown(sentence(snapshot.briefs[code] ?? code))),
      codeTag(code, tone),
    ),
    h(
      "span",
      { key: "spark", class: "spark", "aria-hidden": "true" },
      spark.map((bar, index) => h("i", { key: index, style: { height: `${bar * 100}%` } })),
    ),
    h("span", { key: "count", class: "count" }, h("b", null, count.toLocaleString("en")), " ×"),
    h("span", { key: "first", class: "first" }, h("span", { class: "faint" }, "first "), timeText(first, now)),
    h("span", { key: "last", class: "last" }, h("span", { class: "faint" }, "last "), timeText(last, now)),
    h("span", { key: "fold", class: "fold-mark" }, icon("next")),
  ];
}

/** Whom it hits, in which state, and why, as one line; the opened entry says it in full. */
function inBrief({ rows, state, code }: RefusalGroup, { snapshot }: CardContext): ComponentChild {
  const [worst] = rows;
  const pods = new Set(rows.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
  const message = causeMessage(worst, snapshot.remedies[code]) ?? worst.message;
  const more = pods > 1 ? ` and ${countOf(pods - 1, "other pod")}` : "";
  return h(
    "span",
    { class: "brief" },
    h("b", null, podName(worst.namespace, worst.pod)),
    more,
    state !== "over" && [" · ", h("span", { key: "state", class: STATE_LOOKS[state].tone }, STATE_LOOKS[state].label)],
    message !== "" && ` · ${shown(forbiddenText(worst) ?? sentence(stateInMessage(messageParts(message).text)))}`,
  );
}

/** Pods beyond these are behind a click. */
const PODS_OF_ONE_LINE = 3;

interface EqualContext extends CardContext {
  readonly isFirst: boolean;
  readonly isOnly: boolean;
  readonly isOver: boolean;
}

/** Pods that were refused for the same reason, and what to do; of what is over, the pods alone. */
function equalPart({ key, rows, count }: EqualRefusals, context: EqualContext): ComponentChild {
  const { snapshot, pods, isFirst, isOnly, isOver } = context;
  const [newest] = rows;
  const { role, code } = newest;
  const known = pods.get(`${newest.namespace}/${newest.pod}`)?.find(({ container }) => container === newest.container);
  const message = causeMessage(newest, snapshot.remedies[code]) ?? newest.message;
  const todo = remedyOf({ ...known, ...newest });
  const recovery = newest.recovery ?? known?.recovery;
  const hasSteps = todo.look !== undefined || todo.steps.length + todo.branches.length > 0;
  return h(
    "div",
    { key, class: "equal" },
    h(
      "div",
      { class: "reason" },
      refusedPods(rows, context),
      role !== undefined && h("p", { class: "of-role" }, h("span", { class: "faint" }, "role "), roleLink(role)),
      !isOnly && h("span", { class: "faint" }, countOf(count, "refusal")),
      message !== "" && reasonsOf(message, { role, isBranched: todo.branches.length > 0 }),
      misspeltNote({ namespace: newest.namespace, ...(role !== undefined && { role }), ...known }, snapshot),
    ),
    !isOver &&
      (isFirst || !hasSteps
        ? h(
            "div",
            { class: "todo" },
            remedyPart(todo),
            !hasSteps && remedyText(snapshot.remedies[code]),
            todo.branches.length === 0 && recoveryText(recovery),
          )
        : h("details", { class: "todo raw" }, h("summary", null, icon("next"), "Next commands"), remedyPart(todo))),
  );
}

function refusedPods(rows: EqualRefusals["rows"], context: EqualContext): ComponentChild {
  const rest = rows.slice(PODS_OF_ONE_LINE);
  const isOnly = rows.length === 1;
  const list = (some: readonly RefusedRow[]) =>
    h(
      "ul",
      { class: "refused-pods" },
      some.map((row) => refusedPod(row, { ...context, isOnly })),
    );
  return [
    list(rows.slice(0, PODS_OF_ONE_LINE)),
    rest.length > 0 &&
      h("details", { key: "rest", class: "raw" }, h("summary", null, icon("next"), `${rest.length} more`), list(rest)),
  ];
}

function refusedPod(row: RefusedRow, { pods, now, isOnly }: EqualContext): ComponentChild {
  const { namespace, pod, container, count, time } = row;
  const state = refusalStateOf(row, pods, now);
  return h(
    "li",
    { key: `${namespace} ${pod} ${container} ${time}` },
    podLink(namespace, pod),
    container !== "" && h("span", { class: "faint" }, ` · ${shown(container)}`),
    !isOnly && count > 1 && h("span", { class: "faint" }, ` × ${count}`),
    state !== "over" && [h("span", { key: "dot", class: "faint" }, " · "), stateMark(state)],
  );
}
