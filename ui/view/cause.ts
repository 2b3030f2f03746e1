// Why a container lacks what it needs, what cures it, and the next command with a button that copies it.
import { type ComponentChild, h } from "preact";
import { useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import { causeMessage } from "../model/cause.ts";
import { holdStateOf, STATE_LOOKS } from "../model/state.ts";
import { shown, stateMark, withCode } from "./dom.ts";

/** The cause of one container's state; nothing for a container that has what it needs. */
export function causeBox(
  row: PodRow,
  {
    remedies,
    isAlone,
    now,
  }: { readonly remedies: Readonly<Record<string, string>>; readonly isAlone: boolean; readonly now: number },
): ComponentChild {
  const { code, container, next } = row;
  if (code === undefined && next === undefined) return null;
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
      null,
      code === undefined
        ? stateMark(state)
        : h(
            "b",
            null,
            h("code", { class: `code ${STATE_LOOKS[state].tone === "bad" ? "bad" : "notice"}` }, shown(code)),
          ),
      !isAlone && container !== "" && h("span", { class: "faint" }, ` container ${shown(container)}`),
    ),
    h("p", null, shown(message)),
    remedy !== undefined && h("p", null, h("b", null, "Remedy: "), withCode(remedy)),
    next !== undefined && nextCommand(next),
  );
}

/** "Next: COMMAND", its purpose, and a button that copies the command as it is shown. */
export function nextCommand(step: string): ComponentChild {
  const [command = "", ...purpose] = shown(step).split("  # ");
  return h(
    "p",
    { class: "next" },
    h("b", null, "Next: "),
    h("code", null, command),
    " ",
    h(CopyButton, { text: command }),
    purpose.length > 0 && h("span", { class: "faint" }, ` ${purpose.join("  # ")}`),
  );
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
