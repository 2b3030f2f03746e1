// Why a container lacks what it needs, what cures it, and the next command with a button that copies it.
import { type ComponentChild, h } from "preact";
import { useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { causeMessage, messageParts, nextCommandsOf } from "../model/cause.ts";
import { holdStateOf, STATE_LOOKS } from "../model/state.ts";
import { roleLink, shown, stateMark, withCode } from "./dom.ts";

/** The cause of one container's state; nothing for a container that has what it needs. */
export function causeBox(
  row: PodRow,
  {
    snapshot: { remedies, similarRoles },
    isAlone,
    now,
  }: {
    readonly snapshot: Pick<UiSnapshot, "remedies" | "similarRoles">;
    readonly isAlone: boolean;
    readonly now: number;
  },
): ComponentChild {
  const { code, container, role } = row;
  const steps = nextCommandsOf(row);
  if (code === undefined && steps.length === 0) return null;
  const state = holdStateOf(row, now);
  const remedy = code === undefined ? undefined : remedies[code];
  const message = causeMessage(row, remedy) ?? STATE_LOOKS[state].meaning;
  return h(
    "section",
    {
      key: container,
      class: `cause ${STATE_LOOKS[state].tone === "bad" ? "bad" : "notice"}`,
      "aria-label": `Cause, container ${shown(container)}`,
    },
    h(
      "p",
      { class: "all" },
      code === undefined
        ? stateMark(state)
        : h(
            "b",
            null,
            h("code", { class: `code ${STATE_LOOKS[state].tone === "bad" ? "bad" : "notice"}` }, shown(code)),
          ),
      !isAlone && container !== "" && h("span", { class: "faint" }, ` container ${shown(container)}`),
    ),
    h(
      "div",
      null,
      role !== undefined && code !== undefined && similarRoleNote(role, similarRoles),
      messageText(message),
    ),
    h(
      "div",
      null,
      remedy !== undefined && h("p", null, h("b", null, "Remedy: "), withCode(remedy)),
      nextCommands(steps),
    ),
  );
}

/** A reason may end with a policy statement as an example. */
function reasonText(reason: string): ComponentChild {
  const [, text, example] = /^(.+, such as) (\{.+\})$/s.exec(reason) ?? [];
  if (text === undefined || example === undefined) return shown(reason);
  return [shown(text), " ", h("code", { key: "example" }, shown(example))];
}

/** What happened, and its reasons as a list. */
export function messageText(message: string): ComponentChild {
  const { text, reasons } = messageParts(message);
  return [
    h("p", { key: "text" }, shown(text)),
    reasons.length > 0 &&
      h(
        "ul",
        { key: "reasons", class: "reasons" },
        reasons.map((reason) => h("li", { key: reason }, reasonText(reason))),
      ),
  ];
}

/** For a role that is spelt almost like one that containers hold. */
export function similarRoleNote(role: string, similarRoles: UiSnapshot["similarRoles"]): ComponentChild {
  const similar = similarRoles[role];
  if (similar === undefined) return null;
  return h(
    "p",
    { class: "similar" },
    h("b", null, "Perhaps a misspelt role: "),
    "containers hold ",
    roleLink(similar),
    ", which is spelt almost like ",
    roleLink(role),
    ".",
  );
}

/** One command, or several as a numbered list. */
export function nextCommands(steps: readonly string[]): ComponentChild {
  if (steps.length < 2) return steps.map((step) => nextCommand(step));
  return h(
    "ol",
    { class: "commands", "aria-label": "Next commands" },
    steps.map((step) => h("li", { key: step }, commandText(step))),
  );
}

/** "Next: COMMAND", its purpose, and a button that copies the command as it is shown. */
export function nextCommand(step: string): ComponentChild {
  return h("p", { key: step, class: "next" }, h("b", null, "Next: "), commandText(step));
}

function commandText(step: string): ComponentChild {
  const [command = "", ...purpose] = shown(step).split("  # ");
  return [
    h("code", { key: "command" }, command),
    " ",
    h(CopyButton, { key: "copy", text: command }),
    purpose.length > 0 && h("span", { key: "purpose", class: "purpose" }, ` ${purpose.join("  # ")}`),
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
  return h("button", { class: "plain copy", type: "button", onClick: () => void copy() }, label);
}
