// Where the reader is, as the fragment of the address: "#/pod/shop/orders?q=text". Pure.

/** The views, in the order of the navigation; "pod" and "role" show one of the lists' entries. */
export const VIEWS = ["map", "pods", "roles", "refusals", "certificates", "sts", "migration"] as const;

/** A view of the page. */
export type ViewName = (typeof VIEWS)[number] | "pod" | "role";

const SEARCHED_VIEWS: ReadonlySet<ViewName> = new Set(["map", "pods", "roles", "refusals"]);

/** Returns the view that a search in `view` limits: itself, or the pods if it has nothing to search. */
export function searchedView(view: ViewName): ViewName {
  return SEARCHED_VIEWS.has(view) ? view : "pods";
}

/** A place in the page. */
export interface Route {
  readonly view: ViewName;
  /** Parts of the path behind the view: namespace and name of a pod, the ARN of a role. */
  readonly parts: readonly string[];
  /** What the reader searches for. */
  readonly search: string;
  /** What the map and the lists are limited to. */
  readonly namespace?: string;
}

/** Earlier names of views: links to them still work. */
const FORMER_NAMES: Readonly<Record<string, ViewName>> = { trust: "certificates" };

const isViewName = (name: string): name is ViewName =>
  name === "pod" || name === "role" || VIEWS.some((view) => view === name);

/** Returns the route of a fragment; the map for one that is not the page's. */
export function routeOf(fragment: string): Route {
  const [path = "", query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [name = "", ...parts] = path.split("/").map(decodePart);
  const view = Object.hasOwn(FORMER_NAMES, name) ? (FORMER_NAMES[name] ?? name) : name;
  const parameters = new URLSearchParams(query);
  const namespace = parameters.get("ns");
  return {
    view: isViewName(view) ? view : "map",
    parts: isViewName(view) ? parts : [],
    search: parameters.get("q") ?? "",
    ...(namespace && { namespace }),
  };
}

/** Returns the fragment of a route. */
export function fragmentOfRoute({
  view,
  parts = [],
  search = "",
  namespace,
}: Partial<Route> & Pick<Route, "view">): string {
  const path = [view, ...parts].map(encodeURIComponent).join("/");
  const parameters = new URLSearchParams({
    ...(namespace !== undefined && { ns: namespace }),
    ...(search && { q: search }),
  });
  return `#/${path}${parameters.size > 0 ? `?${parameters.toString()}` : ""}`;
}

/** Malformed escapes stay as they are. */
function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
