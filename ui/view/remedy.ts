// What to do about a cause: the look that tells the possible causes apart, then a branch for each; commands and policy
// statements have buttons that copy them.
import { type ComponentChild, h } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { partsOfStep } from "../../src/operations/step-parts.ts";
import type { Remedy, RemedyBranch } from "../model/remedy.ts";
import { sentence, shown, shownLines, withCode } from "./dom.ts";
import { icon } from "./icon.ts";

/** The remedy; nothing if it is empty. */
export function remedyPart({ before = [], look, branches, steps }: Remedy): ComponentChild {
  if (look === undefined && branches.length === 0) return commandList(steps);
  return h(
    "div",
    { class: "remedy" },
    commandList(before),
    look !== undefined &&
      h(
        "div",
        { class: "look" },
        h("h3", null, h("span", { class: "step" }, "Diagnose"), shown(look.purpose)),
        h(CopyBlock, { text: look.command }),
      ),
    branches.length > 0 &&
      h(
        "div",
        { class: "branches" },
        branches.map((branch, index) => branchPart(branch, index)),
      ),
  );
}

function branchPart({ when, cause, text, statement, steps }: RemedyBranch, index: number): ComponentChild {
  return h(
    "section",
    { key: when, class: "branch", "aria-label": when },
    h("h3", null, h("span", { class: "step" }, BRANCH_NAMES[index] ?? ""), when),
    h("p", { class: "faint" }, shown(sentence(cause)), text !== undefined && ` ${shown(text)}`),
    statement !== undefined && h("div", { class: "statement" }, h(CopyBlock, { text: shownLines(statement) })),
    commandList(steps),
  );
}

const BRANCH_NAMES = ["A", "B", "C", "D", "E", "F", "G", "H"];

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
  const { command, purpose } = partsOfStep(shown(step));
  return [
    purpose !== "" && h("p", { key: "purpose" }, sentence(purpose)),
    h(CopyBlock, { key: "command", text: command }),
  ];
}

function CopyBlock({ text }: { readonly text: string }): ComponentChild {
  const [label, setLabel] = useState("Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setLabel("Copied");
    } catch {
      setLabel("Select the text to copy it");
    }
  };
  const place = useRef<HTMLElement>(null);
  const isLong = useOverflow(place);
  return h(
    "div",
    { class: "command" },
    // What is longer than its place can be moved by keyboard too.
    h("code", { ref: place, tabIndex: isLong ? 0 : undefined }, text),
    h(
      "button",
      { class: "copy", type: "button", onClick: () => void copy() },
      icon("copy"),
      h("span", { class: "label" }, label),
    ),
  );
}

/** Reports whether a text is wider than its place. */
function useOverflow(place: { readonly current: HTMLElement | null }): boolean {
  const [isLong, setLong] = useState(false);
  useLayoutEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => setLong(current.scrollWidth > current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return isLong;
}
