// The frame around the views: navigation, search, the state of the whole, and what is stale.
import { type ComponentChild, type ComponentType, h } from "preact";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { readingTime } from "../model/reading-time.ts";
import { fragmentOfRoute, type Route, searchedView, VIEWS, type ViewName } from "../model/route.ts";
import { CertificatesView } from "./certificates.ts";
import type { ViewProps } from "./context.ts";
import { shown } from "./dom.ts";
import { icon } from "./icon.ts";
import { MapView } from "./map.ts";
import { MigrationView } from "./migration.ts";
import { PodView } from "./pod.ts";
import { PodsView } from "./pods.ts";
import { RefusalsView } from "./refusals.ts";
import { RolesView, RoleView } from "./roles.ts";
import { StsView } from "./sts.ts";
import { readingText, Summary } from "./summary.ts";

/** What the frame shows and calls. */
export interface AppProps extends Omit<ViewProps, "snapshot"> {
  readonly snapshot: UiSnapshot | undefined;
  /** Why the page has no new reading. */
  readonly problem: string | undefined;
  readonly onSearch: (text: string) => void;
  readonly onTheme: () => void;
}

/** Names of the views; "pod" and "role" belong to a list of the navigation. */
export const VIEW_TITLES: Readonly<Record<ViewName, string>> = {
  map: "Map",
  pods: "Pods",
  pod: "Pod",
  roles: "Roles",
  role: "Role",
  refusals: "Refusals",
  certificates: "Certificates",
  sts: "STS",
  migration: "Migration",
};

const VIEW_PARTS: Readonly<Record<ViewName, ComponentType<ViewProps>>> = {
  map: MapView,
  pods: PodsView,
  pod: PodView,
  roles: RolesView,
  role: RoleView,
  refusals: RefusalsView,
  certificates: CertificatesView,
  sts: StsView,
  migration: MigrationView,
};

const LIST_OF: Readonly<Partial<Record<ViewName, ViewName>>> = { pod: "pods", role: "roles" };

/** The whole page. */
export function App({ snapshot, problem, onSearch, onTheme, ...props }: AppProps): ComponentChild {
  const { route } = props;
  return h(
    "div",
    null,
    h("a", { class: "skip", href: "#title", onClick: focusTitle }, "Skip to content"),
    header({ route, onSearch, onTheme }),
    // The one view that says how old the reading is.
    snapshot && h(Summary, { snapshot, route, now: props.now, problem }),
    h(
      "main",
      { id: "content" },
      snapshot === undefined
        ? h("div", { class: "empty" }, h("p", null, problem === undefined ? "Reading the cluster …" : shown(problem)))
        : h(VIEW_PARTS[route.view], {
            key: `${route.view} ${route.parts.join("/")}`,
            snapshot,
            ...props,
            now: readingTime(snapshot.at, props.now),
          }),
    ),
    snapshot && h("footer", { class: "reading" }, readingText(snapshot, problem ?? snapshot.stale?.why, props.now)),
  );
}

/** A fragment is a place in the page's views, so the link cannot use one. */
function focusTitle(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#title")?.focus();
}

function header({ route, onSearch, onTheme }: Pick<AppProps, "route" | "onSearch" | "onTheme">): ComponentChild {
  const current = LIST_OF[route.view] ?? route.view;
  return h(
    "header",
    { class: "top" },
    h("a", { class: "brand", href: fragmentOfRoute({ view: "map" }) }, icon("brand"), "podrole"),
    h(
      "nav",
      { class: "sections", "aria-label": "Views" },
      VIEWS.map((view) =>
        h(
          "a",
          { key: view, href: fragmentOfRoute({ view }), "aria-current": view === current ? "page" : undefined },
          VIEW_TITLES[view],
        ),
      ),
    ),
    h(
      "div",
      { class: "search", role: "search" },
      icon("search"),
      h("input", {
        id: "search",
        type: "search",
        placeholder: "Search",
        "aria-keyshortcuts": "/",
        "aria-label": `Search ${VIEW_TITLES[searchedView(route.view)]}`,
        autocomplete: "off",
        spellcheck: false,
        value: route.search,
        onInput: (event: Event) => onSearch(event.target instanceof HTMLInputElement ? event.target.value : ""),
      }),
      h("kbd", { "aria-hidden": "true" }, "/"),
    ),
    h(
      "button",
      { class: "plain", type: "button", id: "theme", "aria-label": "Change between light and dark", onClick: onTheme },
      icon("theme"),
    ),
  );
}

/** Title of the browser's tab. */
export function documentTitle({ view, parts }: Route): string {
  return [...parts.slice(-1).map(shown), VIEW_TITLES[view], "podrole"].join(" · ");
}
