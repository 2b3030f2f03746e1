// The row above a list: how many of its entries are in which state, and the namespaces, each as a limit of the list. On
// a narrow screen the line below the navigation has the states.
import { type ComponentChild, h } from "preact";
import { fragmentOfRoute, type Route } from "../model/route.ts";
import { filterOf, searchWithFilter } from "../model/search.ts";
import { SEVERITIES, SEVERITY_LOOKS, type Severity } from "../model/state.ts";
import { shown } from "./dom.ts";
import { icon } from "./icon.ts";

/** What the row offers. */
export interface FilterProps {
  readonly route: Route;
  /** What the entries are, if they are not what the page counts everywhere: "roles". */
  readonly unit?: string;
  /** Entries by severity, of those that the rest of the search leaves. */
  readonly counts: ReadonlyMap<Severity, number>;
  /** Undefined: the list is not limited by namespace. */
  readonly namespaces?: readonly string[];
}

/** The row. */
export function filterRow({ route, unit = "", counts, namespaces }: FilterProps): ComponentChild {
  const { view, search, namespace } = route;
  const { severity: chosen } = filterOf(search);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const place = { view, ...(namespace !== undefined && { namespace }) };
  const chip = (severity: Severity | undefined, count: number) =>
    h(
      "a",
      {
        key: severity ?? "all",
        class: `chip ${severity === undefined ? "" : SEVERITY_LOOKS[severity].tone}`,
        href: fragmentOfRoute({ ...place, search: searchWithFilter(search, severity) }),
        "aria-current": severity === chosen ? "true" : undefined,
      },
      severity !== undefined && icon(SEVERITY_LOOKS[severity].glyph),
      severity === undefined ? `All ${unit}`.trim() : h("span", { class: "label" }, SEVERITY_LOOKS[severity].label),
      h("span", { class: "number" }, count.toLocaleString("en")),
    );
  return h(
    "div",
    { class: "filters" },
    h(
      "nav",
      { class: "chips", "aria-label": "States" },
      chip(undefined, all),
      SEVERITIES.filter((severity) => counts.get(severity) || severity === chosen).map((severity) =>
        chip(severity, counts.get(severity) ?? 0),
      ),
    ),
    namespaces !== undefined && namespaces.length > 1 && namespaceSelect(route, namespaces),
  );
}

function namespaceSelect({ view, search, namespace = "" }: Route, namespaces: readonly string[]): ComponentChild {
  return h(
    "select",
    {
      "aria-label": "Namespace",
      value: namespace,
      onChange: ({ currentTarget }: { readonly currentTarget: HTMLSelectElement }) => {
        const { value } = currentTarget;
        location.hash = fragmentOfRoute({ view, search, ...(value !== "" && { namespace: value }) });
      },
    },
    h("option", { value: "" }, "All namespaces"),
    namespaces.map((name) => h("option", { key: name, value: name }, shown(name))),
  );
}
