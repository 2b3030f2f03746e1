// Entry of the page: reads the cluster's state every two seconds while the page is visible, keeps the place in the
// address, and draws.
import { h, render } from "preact";
import { applyTheme, keepTheme, readTheme, shownTheme } from "../site/client/theme-choice.ts";
import type { UiSnapshot } from "../src/operations/ui/model.ts";
import { fragmentOfRoute, routeOf, searchedView } from "./model/route.ts";
import { prepareSearch } from "./model/search.ts";
import { App, documentTitle } from "./view/app.ts";

const INTERVAL_MS = 2_000;
const SEARCH_PAUSE_MS = 500;

const root = document.querySelector("#app");
let snapshot: UiSnapshot | undefined;
let problem: string | undefined;
let route = routeOf(location.hash);

async function load<Data>(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Data> {
  const parameters = new URLSearchParams(query).toString();
  const response = await fetch(`data/${path}${parameters === "" ? "" : `?${parameters}`}`, { signal });
  if (!response.ok) throw new Error(`podrole ui answered ${response.status}; expected 200`);
  return (await response.json()) as Data;
}

function draw(): void {
  if (root === null) return;
  render(h(App, { snapshot, problem, route, now: Date.now(), load, onSearch, onTheme }), root);
}

async function readAgain(): Promise<void> {
  try {
    const read = await load<UiSnapshot | { readonly problem: string }>("snapshot", {}, AbortSignal.timeout(120_000));
    if ("problem" in read) problem = read.problem;
    else {
      snapshot = read;
      problem = undefined;
    }
  } catch {
    problem = "podrole ui does not answer: it has ended, or the machine is busy; start it again";
  }
  draw();
  // After what the reader sees.
  setTimeout(() => snapshot && prepareSearch(snapshot.pods, Date.parse(snapshot.at)), SEARCH_PAUSE_MS);
  setTimeout(() => void whenVisible(), INTERVAL_MS);
}

/** A page that nobody sees reads nothing. */
async function whenVisible(): Promise<void> {
  if (document.visibilityState === "visible") return readAgain();
  document.addEventListener("visibilitychange", () => void whenVisible(), { once: true });
}

/** The search stays in the address, without a step back for each letter. */
function onSearch(search: string): void {
  const view = searchedView(route.view);
  const place = view === route.view ? route : { view, parts: [] };
  history.replaceState(null, "", fragmentOfRoute({ ...place, view, search }));
  route = routeOf(location.hash);
  draw();
}

function onTheme(): void {
  const next = shownTheme() === "dark" ? "light" : "dark";
  keepTheme(next);
  applyTheme(next);
}

addEventListener("hashchange", () => {
  const before = route;
  route = routeOf(location.hash);
  document.title = documentTitle(route);
  draw();
  if (before.view === route.view && before.parts.join("/") === route.parts.join("/")) return;
  scrollTo(0, 0);
  document.querySelector(".sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  document.querySelector<HTMLElement>("#title")?.focus({ preventScroll: true });
});
addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  const input = document.querySelector<HTMLInputElement>("#search");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    input?.focus();
  } else if (event.key === "Escape" && event.target === input) onSearch("");
});

// The answer is on its way while the browser opens its storage for the theme.
void readAgain();
applyTheme(readTheme());
document.title = documentTitle(route);
draw();
// Countdowns.
setInterval(() => {
  if (document.visibilityState === "visible") draw();
}, 1_000);
