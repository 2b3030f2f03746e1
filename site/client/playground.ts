// The playground's page: runs what the reader writes, and keeps it in the address.
import { diffLines } from "diff";
import type { ContainerExplanation, Explanation } from "../../src/operations/explain/model.ts";
import { EXAMPLES } from "../playground/examples.ts";
import { fragmentOf, inputOf } from "../playground/link.ts";
import { runPlayground } from "../playground/run.ts";
import { elementOf } from "./elements.ts";

const DELAY_MS = 200;

const manifests = elementOf("manifests", HTMLTextAreaElement);
const settings = elementOf("settings", HTMLTextAreaElement);
const example = elementOf("example", HTMLSelectElement);
const decision = elementOf("decision", HTMLElement);
const changes = elementOf("changes", HTMLElement);
const injected = elementOf("injected", HTMLElement);
const tabs = [...document.querySelectorAll<HTMLButtonElement>("[role=tab]")];

function create(name: string, text: string, className = ""): HTMLElement {
  const element = document.createElement(name);
  element.textContent = text;
  if (className !== "") element.className = className;
  return element;
}

function show(): void {
  const input = { manifests: manifests.value, settings: settings.value };
  history.replaceState(null, "", `#${fragmentOf(input)}`);
  const result = runPlayground(input);
  if (!result.ok) {
    decision.replaceChildren(...result.problems.map((problem) => create("p", problem, "problem")));
    changes.replaceChildren();
    injected.textContent = "";
    return;
  }
  const { explanations, injected: text } = result.value;
  decision.replaceChildren(
    ...(explanations.length > 0
      ? explanations.map(explanationOf)
      : [create("p", "No object in the manifests is or makes a pod.", "problem")]),
  );
  changes.replaceChildren(...changesOf(input.manifests, text));
  injected.textContent = text;
}

/** What a reader sees in words, with a sign that needs no colour. */
const VERDICTS: Readonly<Record<Explanation["now"]["decision"], string>> = {
  inject: "✓ allowed: podrole injects its sidecar",
  refuse: "✗ refused: the pod is not created",
  skip: "– not injected: the pod starts without podrole",
  unknown: "? unknown",
};

function explanationOf({ object, now, containers, notes }: Explanation): HTMLElement {
  const article = document.createElement("article");
  const verdict = create("p", "", `verdict ${now.decision}`);
  verdict.append(create("b", `${VERDICTS[now.decision]} · ${now.reason}`), ` ${now.message}`);
  const list = document.createElement("ul");
  list.append(...containers.map(containerOf));
  article.append(create("h2", object), verdict, list);
  article.append(...now.warnings.map((warning) => create("p", `Warning: ${warning}`, "warning")));
  article.append(...notes.map((note) => create("p", `Note: ${note}`, "note")));
  return article;
}

function containerOf(explanation: ContainerExplanation): HTMLElement {
  const { container, role, namedBy, sessionName, message } = explanation;
  const item = document.createElement("li");
  item.append(create("b", container), `: ${role ?? "no role"} `, wordOf(explanation));
  const facts = [namedBy && `named by ${namedBy}`, sessionName && `session ${sessionName}`].filter(
    (fact) => fact !== undefined && fact !== "",
  );
  if (facts.length > 0) item.append(create("span", facts.join(" · "), "facts"));
  if (message !== undefined) item.append(create("span", message, "facts"));
  return item;
}

function wordOf({ role, allowed, undecided }: ContainerExplanation): Node {
  if (allowed) return create("span", "✓ allowed", "word allowed");
  if (undecided || role === undefined) return document.createTextNode("");
  return create("span", "✗ refused", "word refused");
}

function changesOf(before: string, after: string): readonly Node[] {
  if (before === after) return [create("span", "The manifests stay as they are.", "same")];
  return diffLines(before, after).map(({ value, added, removed }) => {
    const mark = added ? "+ " : removed ? "- " : "  ";
    const lines = value.replace(/\n$/, "").split("\n");
    return create(added ? "ins" : removed ? "del" : "span", `${lines.map((line) => mark + line).join("\n")}\n`);
  });
}

function selectTab(chosen: HTMLButtonElement): void {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    elementOf(tab.getAttribute("aria-controls") ?? "", HTMLElement).hidden = !isChosen;
  }
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => selectTab(tab));
  tab.addEventListener("keydown", ({ key }) => {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    if (step === 0 || next === undefined) return;
    selectTab(next);
    next.focus();
  });
}

example.append(...EXAMPLES.map(({ name }, index) => new Option(name, String(index))));
example.addEventListener("change", () => start(EXAMPLES[Number(example.value)]));

let timer: ReturnType<typeof setTimeout> | undefined;
for (const field of [manifests, settings]) {
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, DELAY_MS);
  });
}

function start(input: { readonly manifests: string; readonly settings: string } | undefined): void {
  if (input === undefined) return;
  manifests.value = input.manifests;
  settings.value = input.settings;
  show();
}

start(inputOf(location.hash.slice(1)) ?? EXAMPLES[0]);
globalThis.addEventListener("hashchange", () => start(inputOf(location.hash.slice(1))));
