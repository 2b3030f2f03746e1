// What every page does: search, the theme, and the list of pages on a small screen.
import { elementOf } from "./elements.ts";
import { createSearch, type FoundSection, type Search } from "./search.ts";
import { applyTheme, keepTheme, shownTheme } from "./theme-choice.ts";

const root = document.body.dataset.root ?? "";

const input = elementOf("search", HTMLInputElement);
const list = elementOf("found", HTMLOListElement);
const theme = elementOf("theme", HTMLButtonElement);
let search: Promise<Search> | undefined;

/** The sections are loaded when the reader begins to search. */
function openSearch(): Promise<Search> {
  search ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}sections.js`;
    script.addEventListener("load", () => resolve(createSearch(globalThis.podroleSections ?? [])));
    script.addEventListener("error", () => reject(new Error("Cannot load sections.js; expected it beside site.js")));
    document.head.append(script);
  });
  return search;
}

async function showFound(): Promise<void> {
  const words = input.value.trim();
  if (words === "") {
    hideFound();
    return;
  }
  const find = await openSearch();
  if (input.value.trim() !== words) return;
  const found = find(words);
  list.replaceChildren(...(found.length > 0 ? found.map(itemOf) : [nothingFound(words)]));
  list.hidden = false;
}

function itemOf({ address, page, heading, excerpt }: FoundSection): HTMLLIElement {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = root + address;
  const title = document.createElement("b");
  title.textContent = heading === page ? page : `${page} › ${heading}`;
  const text = document.createElement("span");
  text.textContent = excerpt;
  link.append(title, text);
  item.append(link);
  return item;
}

function nothingFound(words: string): HTMLLIElement {
  const item = document.createElement("li");
  item.className = "none";
  item.textContent = `No section contains “${words}”`;
  return item;
}

function hideFound(): void {
  list.hidden = true;
  list.replaceChildren();
}

/** Arrow keys move among the input and the results. */
function moveFocus(step: 1 | -1): void {
  const stops: readonly HTMLElement[] = [input, ...list.querySelectorAll("a")];
  const at = stops.findIndex((stop) => stop === document.activeElement);
  stops[(at + step + stops.length) % stops.length]?.focus();
}

input.disabled = false;
input.addEventListener("focus", () => void openSearch());
input.addEventListener("input", () => void showFound());
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    input.focus();
  }
  if (list.hidden || !(event.target instanceof Node) || !input.parentElement?.contains(event.target)) return;
  if (event.key === "Escape") {
    input.focus();
    hideFound();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    moveFocus(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && event.target === input) list.querySelector("a")?.click();
});
document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Node) || !input.parentElement?.contains(target) || target instanceof HTMLAnchorElement)
    hideFound();
});

theme.hidden = false;
theme.addEventListener("click", () => {
  const next = shownTheme() === "dark" ? "light" : "dark";
  keepTheme(next);
  applyTheme(next);
});

const menu = document.querySelector<HTMLDetailsElement>("details.menu");
if (menu && matchMedia("(max-width: 800px)").matches) menu.open = false;
const here = menu?.querySelector<HTMLElement>("[aria-current]");
// Not scrollIntoView(), which would move the page too.
if (menu && here) menu.scrollTop = here.offsetTop - menu.clientHeight / 2;
// A column beside the text on a wide screen; above the text it would push the text away.
const contents = document.querySelector<HTMLDetailsElement>("details.contents");
if (contents && !contents.closest(".wide") && matchMedia("(min-width: 1200px)").matches) contents.open = true;
