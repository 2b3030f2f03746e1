// Why a container lacks what it needs: the cause in words, what to do about it, and the message as it is, which opens
// on demand.
import { type ComponentChild, h } from "preact";
import type { PodRow } from "../../src/operations/status/model.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { causeMessage, holderOf, messageParts, nextCommandsOf, stateInMessage } from "../model/cause.ts";
import { remedyOf } from "../model/remedy.ts";
import { statementIn } from "../model/remedy-parts.ts";
import { holdStateOf, STATE_LOOKS } from "../model/state.ts";
import { whyOf } from "../model/why.ts";
import { codeTag, podLink, roleLink, sentence, shown, shownLines, withCode } from "./dom.ts";
import { icon } from "./icon.ts";
import { recoveryText, remedyPart, remedyText } from "./remedy.ts";

/** What the causes of one reading are shown with. */
export interface CauseContext {
  readonly snapshot: Pick<UiSnapshot, "briefs" | "pods" | "remedies" | "similarRoles">;
  /** False if the pod has other containers than those of the cause. */
  readonly isAlone: boolean;
  readonly now: number;
}

/** The cause that containers of one pod have in common; nothing for containers that have what they need. */
export function causeBox(rows: readonly PodRow[], { snapshot, isAlone, now }: CauseContext): ComponentChild {
  const [row] = rows;
  if (row === undefined) return null;
  const { code, role, recovery } = row;
  const steps = nextCommandsOf(row);
  if (code === undefined && steps.length === 0) return null;
  const { tone, glyph, meaning } = STATE_LOOKS[holdStateOf(row, now)];
  const remedy = code === undefined ? undefined : snapshot.remedies[code];
  const message = causeMessage(row, remedy);
  const todo = remedyOf(row);
  const hasSteps = steps.length > 0;
  const containers = rows.map(({ container }) => container).filter(Boolean);
  return h(
    "section",
    {
      key: containers.join(" "),
      class: `cause ${tone === "bad" ? "bad" : "notice"}`,
      "aria-label": `Cause, container ${shown(containers.join(", "))}`,
    },
    h(
      "header",
      null,
      icon(glyph),
      h("h2", null, shown(sentence(whyOf(row, snapshot, now) ?? meaning))),
      code !== undefined && codeTag(code, tone),
      !isAlone && containers.length > 0 && h("span", { class: "faint" }, `container ${shown(containers.join(", "))}`),
    ),
    h(
      "div",
      { class: "reason" },
      misspeltNote(row, snapshot),
      reasonsOf(message, { role, isBranched: todo.branches.length > 0 }),
    ),
    h(
      "div",
      { class: "todo" },
      remedyPart(todo),
      !hasSteps && remedyText(remedy),
      // The branches have their own.
      todo.branches.length === 0 && recoveryText(recovery),
    ),
    rawMessage(message, hasSteps ? remedy : undefined),
  );
}

/** For a role that is spelt almost like one that containers hold: where it is named. */
export function misspeltNote(
  row: Pick<PodRow, "namespace" | "workload" | "role" | "roleAnnotation">,
  { similarRoles, pods }: Pick<UiSnapshot, "similarRoles" | "pods">,
): ComponentChild {
  const { role, roleAnnotation, workload } = row;
  const similar = role === undefined ? undefined : similarRoles[role];
  if (similar === undefined) return null;
  const holder = holderOf(similar, row, pods);
  return h(
    "p",
    { key: "misspelt" },
    roleAnnotation === undefined ? "The pod" : ["Annotation ", h("code", { key: "name" }, shown(roleAnnotation))],
    " names ",
    roleLink(role),
    holder?.isOfWorkload ? `; another pod of ${shown(workload ?? "")} holds ` : "; other containers hold ",
    roleLink(similar),
    holder !== undefined && [": ", podLink(holder.row.namespace, holder.row.pod)],
    ".",
  );
}

/** What the reasons of a message belong to. */
export interface ReasonContext {
  readonly role: string | undefined;
  /** True if the branches of the remedy have the reasons. */
  readonly isBranched: boolean;
}

/** The likely reasons, the likeliest first; of a message without any, the state that it names. */
export function reasonsOf(message: string | undefined, { role, isBranched }: ReasonContext): ComponentChild {
  if (message === undefined) return null;
  const { reasons, text } = messageParts(message);
  if (reasons.length === 0) return h("p", null, shown(sentence(stateInMessage(message))));
  if (isBranched) return h("p", null, shown(sentence(stateInMessage(text))));
  return h(
    "ul",
    { class: "reasons", "aria-label": role === undefined ? "Reasons" : `Likely reasons, ${shown(role)}` },
    reasons.map((reason) => h("li", { key: reason }, reasonText(reason))),
  );
}

/** A reason may end with a policy statement as an example. */
function reasonText(reason: string): ComponentChild {
  const statement = statementIn(reason);
  if (statement === undefined) return withCode(sentence(reason));
  const [text = ""] = reason.split(", such as {", 1);
  return [
    shown(`${sentence(text).slice(0, -1)}:`),
    h("code", { key: "example", class: "block" }, shownLines(statement)),
  ];
}

/** The message as podrole wrote it. */
export function rawMessage(message: string | undefined, remedy: string | undefined): ComponentChild {
  if (message === undefined && remedy === undefined) return null;
  return h(
    "details",
    { class: "raw" },
    h("summary", null, icon("next"), "Raw message"),
    message !== undefined && h("code", { class: "block" }, shown(message)),
    remedyText(remedy),
  );
}
