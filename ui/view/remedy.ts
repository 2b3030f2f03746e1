// What to do about a cause: the look that tells the possible causes apart, then a branch for each; commands and policy
// statements have buttons that copy them.
import { type ComponentChild, h } from "preact";
import { useState } from "preact/hooks";
import type { Remedy, RemedyBranch } from "../model/remedy-parts.ts";
import { lineParts, stepText } from "../model/step-text.ts";
import { sentence, shown, shownLines, withCode } from "./dom.ts";
import { icon } from "./icon.ts";

/** The remedy; nothing if it is empty. */
export function remedyPart(remedy: Remedy): ComponentChild {
  const { before = [], look, branches, steps } = remedy;
  if (look === undefined && branches.length === 0) return commandList(steps);
  return h("div", { class: "remedy" }, commandList(before), lookAndBranches(remedy, ""));
}

/** `name` begins the names of the branches: those of the second look of branch B are B1, B2. */
function lookAndBranches({ look, branches }: Remedy, name: string): ComponentChild {
  return [
    look !== undefined &&
      h(
        "div",
        { key: "look", class: "look" },
        h("h3", null, h("span", { class: "step" }, "Diagnose"), shown(look.purpose)),
        look.why !== undefined && h("p", { class: "faint" }, shown(look.why)),
        h(CopyBlock, { text: look.command }),
      ),
    branches.length > 0 &&
      h(
        "div",
        { key: "branches", class: "branches" },
        branches.map((branch, index) =>
          branchPart(branch, name === "" ? LETTERS.charAt(index) : `${name}${index + 1}`),
        ),
      ),
  ];
}

const LETTERS = "ABCDEFGHIJ";

/** Those of a second look are folded, so that their questions can be read as a list; the likeliest one is open. */
function branchPart(branch: RemedyBranch, name: string): ComponentChild {
  const { when, statement } = branch;
  const title = h("h3", null, h("span", { class: "step" }, name), shown(when));
  if (name.length === 1) {
    return h("section", { key: when, class: "branch", "aria-label": when }, title, branchContent(branch, name));
  }
  return h(
    "details",
    { key: when, class: "branch", open: statement !== undefined },
    h("summary", null, title, h("span", { class: "fold-mark" }, icon("next"))),
    branchContent(branch, name),
  );
}

function branchContent(
  { cause, text, statement, steps, further, recovery }: RemedyBranch,
  name: string,
): readonly ComponentChild[] {
  return [
    cause !== "" || text !== undefined
      ? h(
          "p",
          { key: "cause", class: "faint" },
          cause !== "" && shown(sentence(cause)),
          text !== undefined && ` ${shown(text)}`,
        )
      : null,
    statement === undefined
      ? null
      : h("div", { key: "statement", class: "statement" }, h(CopyBlock, { text: shownLines(statement) })),
    commandList(steps),
    further && lookAndBranches(further, name),
    recoveryText(recovery),
  ];
}

/** What follows, once the steps are done. */
export function recoveryText(recovery: string | undefined): ComponentChild {
  if (recovery === undefined) return null;
  return h("p", { class: "faint recovery" }, h("b", null, "Recovery: "), shown(sentence(recovery)));
}

/** What an operator does about a code. */
export function remedyText(remedy: string | undefined): ComponentChild {
  return remedy === undefined ? null : h("p", null, h("b", null, "Remedy: "), withCode(remedy));
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
  const { command, purpose, replace } = stepText(shown(step));
  const text = [purpose === "" ? "" : sentence(purpose), replace === "" ? "" : `${replace}:`].filter(Boolean).join(" ");
  return [text !== "" && h("p", { key: "purpose" }, text), h(CopyBlock, { key: "command", text: command })];
}

function CopyBlock({ text }: { readonly text: string }): ComponentChild {
  return h(
    "div",
    { class: "command" },
    h("code", null, text.includes("\n") ? text : lineParts(text).map((part, index) => partOfLine(part, index))),
    h(CopyButton, { text }),
  );
}

/** A button that copies a text. */
export function CopyButton({ text }: { readonly text: string }): ComponentChild {
  const [label, setLabel] = useState("Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setLabel("Copied");
    } catch {
      setLabel("Select the text to copy it");
    }
  };
  return h(
    "button",
    { class: "copy", type: "button", onClick: () => void copy() },
    icon("copy"),
    h("span", { class: "label" }, label),
  );
}

/** Spaces stand between the parts, so that they are not drawn at the end of a line. */
function partOfLine(part: string, index: number): ComponentChild {
  const word = part.trimEnd();
  return [h("span", { key: index, class: "part" }, word), part.slice(word.length)];
}
