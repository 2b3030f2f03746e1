// The frame around the views: navigation, search, the state of the whole, and what is stale.
import { type ComponentChild, type ComponentType, h } from "preact";
import { useMemo } from "preact/hooks";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { makerOf } from "../model/maker.ts";
import { fragmentOfRoute, type Route, searchedView, VIEWS, type ViewName } from "../model/route.ts";
import { countStates, HOLD_STATES, holdStateOf, STATE_LOOKS, stateSearch } from "../model/state.ts";
import { spanText } from "../model/time.ts";
import { CertificatesView } from "./certificates.ts";
import type { ViewProps } from "./context.ts";
import { countOf, shown, stateMark } from "./dom.ts";
import { icon } from "./icon.ts";
import { MapView } from "./map.ts";
import { MigrationView } from "./migration.ts";
import { PodView } from "./pod.ts";
import { PodsView } from "./pods.ts";
import { RefusalsView } from "./refusals.ts";
import { RolesView, RoleView } from "./roles.ts";
import { StsView } from "./sts.ts";

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
    snapshot && h(Summary, { snapshot, now: props.now, problem }),
    h(
      "main",
      { id: "content" },
      snapshot === undefined
        ? h("div", { class: "empty" }, h("p", null, problem === undefined ? "Reading the cluster …" : shown(problem)))
        : h(VIEW_PARTS[route.view], { key: `${route.view} ${route.parts.join("/")}`, snapshot, ...props }),
    ),
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

function Summary({
  snapshot,
  now,
  problem,
}: {
  readonly snapshot: UiSnapshot;
  readonly now: number;
  readonly problem: string | undefined;
}): ComponentChild {
  const { pods, refusals, at, stale, installation, namespace } = snapshot;
  const counts = useMemo(() => countStates(pods.map((row) => holdStateOf(row, Date.parse(at)))), [snapshot]);
  const shownStates = HOLD_STATES.filter((state) => counts[state]);
  const blocked = new Set(refusals.flatMap(({ namespace: of, pod }) => (makerOf(pod) ? `${of} ${pod}` : []))).size;
  const why = problem ?? stale?.why;
  return h(
    "section",
    { class: "summary", "aria-label": "State of the cluster" },
    h(
      "p",
      { role: "status" },
      namespace !== undefined && h("b", null, `Namespace ${shown(namespace)}: `),
      pods.length === 0
        ? "No container uses podrole"
        : [
            h("b", { key: "all", class: "count" }, countOf(pods.length, "container")),
            ...shownStates.map((state) =>
              h(
                "a",
                {
                  key: state,
                  class: "count",
                  href: fragmentOfRoute({ view: "pods", search: stateSearch(state) }),
                  title: STATE_LOOKS[state].meaning,
                },
                stateMark(state, `${counts[state]} ${STATE_LOOKS[state].label}`),
              ),
            ),
          ],
      blocked > 0 &&
        h(
          "a",
          {
            class: "count",
            href: fragmentOfRoute({ view: "refusals" }),
            title: "their pods were refused at admission",
          },
          h(
            "span",
            { class: "mark bad" },
            icon("ban"),
            h("span", { class: "label" }, `${countOf(blocked, "workload")} blocked`),
          ),
        ),
    ),
    h(
      "p",
      { class: "faint" },
      programText(installation),
      why === undefined && ` · read ${spanText(now - Date.parse(at))} ago`,
    ),
    why !== undefined &&
      h(
        "p",
        { class: "stale", role: "alert" },
        h("b", null, `Not current: what is shown was read ${spanText(now - Date.parse(stale?.since ?? at))} ago. `),
        shown(why),
      ),
    installation.isAbsent &&
      h(
        "p",
        { class: "stale", role: "alert" },
        `podrole is not installed in this cluster: no Deployment in namespace ${shown(installation.namespace)} runs it`,
      ),
  );
}

function programText({ server, webhook, isRegistered }: UiSnapshot["installation"]): string {
  const replicas = [
    server && `server ${server.ready}/${server.wanted}`,
    webhook && `webhook ${webhook.ready}/${webhook.wanted}`,
    isRegistered === false && "webhook not registered",
  ];
  return replicas.filter(Boolean).join(" · ");
}

/** Title of the browser's tab. */
export function documentTitle({ view, parts }: Route): string {
  return [...parts.slice(-1).map(shown), VIEW_TITLES[view], "podrole"].join(" · ");
}
