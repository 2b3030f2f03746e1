// Why a container lacks what it needs: the cause in words, the next commands with buttons that copy them, and the
// message as it is, which opens on demand.
import { type ComponentChild, h } from "preact";
import { useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { causeMessage, messageParts, nextCommandsOf, stateInMessage } from "../model/cause.ts";
import { holdStateOf, STATE_LOOKS } from "../model/state.ts";
import { whyOf } from "../model/why.ts";
import { codeTag, roleLink, sentence, shown, withCode } from "./dom.ts";
import { icon } from "./icon.ts";

/** What the causes of one reading are shown with. */
export interface CauseContext {
  readonly snapshot: Pick<UiSnapshot, "briefs" | "remedies" | "similarRoles">;
  /** False if the pod has other containers than those of the cause. */
  readonly isAlone: boolean;
  readonly now: number;
}

/** The cause that containers of one pod have in common; nothing for containers that have what they need. */
export function causeBox(rows: readonly PodRow[], { snapshot, isAlone, now }: CauseContext): ComponentChild {
  const [row] = rows;
  if (row === undefined) return null;
  const { code, role } = row;
  const steps = nextCommandsOf(row);
  if (code === undefined && steps.length === 0) return null;
  const { tone, glyph, meaning } = STATE_LOOKS[holdStateOf(row, now)];
  const remedy = code === undefined ? undefined : snapshot.remedies[code];
  const message = causeMessage(row, remedy);
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
      h("b", null, shown(sentence(whyOf(row, snapshot, now) ?? meaning))),
      code !== undefined && codeTag(code),
      !isAlone && containers.length > 0 && h("span", { class: "faint" }, `container ${shown(containers.join(", "))}`),
    ),
    h("div", { class: "reason" }, misspeltNote(row, snapshot.similarRoles), reasonsOf(message, role)),
    h("div", { class: "todo" }, commandList(steps), steps.length === 0 && remedyText(remedy)),
    rawMessage(message, steps.length === 0 ? undefined : remedy),
  );
}

/** For a role that is spelt almost like one that containers hold: where it is named. */
export function misspeltNote(
  { role, roleAnnotation }: Pick<PodRow, "role" | "roleAnnotation">,
  similarRoles: UiSnapshot["similarRoles"],
): ComponentChild {
  const similar = role === undefined ? undefined : similarRoles[role];
  if (similar === undefined) return null;
  return [
    h(
      "p",
      { key: "misspelt" },
      roleAnnotation === undefined ? "The pod" : ["Annotation ", h("code", { key: "name" }, shown(roleAnnotation))],
      " names ",
      roleLink(role),
      "; other containers hold ",
      roleLink(similar),
      ".",
    ),
    h("p", { key: "else", class: "faint" }, "If the name is right:"),
  ];
}

/** The likely reasons, the likeliest first; of a message without any, the state that it names. */
export function reasonsOf(message: string | undefined, role?: string): ComponentChild {
  if (message === undefined) return null;
  const { reasons } = messageParts(message);
  if (reasons.length === 0) return h("p", null, shown(sentence(stateInMessage(message))));
  return h(
    "ul",
    { class: "reasons", "aria-label": role === undefined ? "Reasons" : `Likely reasons, ${shown(role)}` },
    reasons.map((reason) => h("li", { key: reason }, reasonText(reason))),
  );
}

/** A reason may end with a policy statement as an example. */
function reasonText(reason: string): ComponentChild {
  const [, text, example] = /^(.+), such as (\{.+\})$/s.exec(reason) ?? [];
  if (text === undefined || example === undefined) return shown(sentence(reason));
  return [shown(`${sentence(text).slice(0, -1)}:`), h("code", { key: "example", class: "block" }, shown(example))];
}

/** What an operator does about a code. */
export function remedyText(remedy: string | undefined): ComponentChild {
  return remedy === undefined ? null : h("p", null, h("b", null, "Remedy: "), withCode(remedy));
}

/** The message as podrole wrote it. */
export function rawMessage(message: string | undefined, remedy: string | undefined): ComponentChild {
  if (message === undefined && remedy === undefined) return null;
  return h(
    "details",
    { class: "raw" },
    h("summary", null, icon("next"), remedy === undefined ? "Full message" : "Full message and remedy"),
    message !== undefined && h("code", { class: "block" }, shown(message)),
    remedyText(remedy),
  );
}

/** The next commands, each with what it is for. */
export function commandList(steps: readonly string[]): ComponentChild {
  if (steps.length === 0) return null;
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return h("div", { class: "commands" }, commandBlock(only));
  return h(
    "ol",
    { class: "commands", "aria-label": "Next commands" },
    steps.map((step) => h("li", { key: step }, commandBlock(step))),
  );
}

function commandBlock(step: string): ComponentChild {
  const [command = "", ...purpose] = shown(step).split("  # ");
  return [
    purpose.length > 0 && h("p", { key: "purpose" }, sentence(purpose.join("  # "))),
    h(
      "div",
      { key: "command", class: "command" },
      h("code", null, command),
      h(CopyButton, { key: "copy", text: command }),
    ),
  ];
}

function CopyButton({ text }: { readonly text: string }): ComponentChild {
  const [label, setLabel] = useState("Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setLabel("Copied");
    } catch {
      setLabel("Select the text to copy it");
    }
  };
  return h("button", { class: "copy", type: "button", onClick: () => void copy() }, icon("copy"), label);
}
