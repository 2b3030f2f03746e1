// What limits a list, in the row of its title: the states, each with how many entries it has, and the namespaces. The
// line below the navigation has the states too, with the containers of the whole cluster.
import { type ComponentChild, h } from "preact";
import { fragmentOfRoute, type Route } from "../model/route.ts";
import { filterOf, searchWithFilter } from "../model/search.ts";
import { SEVERITIES, SEVERITY_LOOKS, type Severity } from "../model/state.ts";
import { shown } from "./dom.ts";

/** What can be chosen. */
export interface FilterProps {
  readonly route: Route;
  /** Entries by severity, of those that the rest of the search leaves. */
  readonly counts: ReadonlyMap<Severity, number>;
  /** Undefined: the list is not limited by namespace. */
  readonly namespaces?: readonly string[];
}

/** The choices. */
export function listFilters({ route, counts, namespaces = [] }: FilterProps): ComponentChild {
  const { view, search, namespace = "" } = route;
  const { severity: chosen } = filterOf(search);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const textOf = (label: string, count: number) => `${label} (${count.toLocaleString("en")})`;
  return h(
    "div",
    { class: "filters" },
    choice({
      ...{ name: "State", value: chosen ?? "" },
      options: [
        ["", textOf("All states", all)],
        ...SEVERITIES.filter((severity) => counts.get(severity) || severity === chosen).map(
          (severity) => [severity, textOf(SEVERITY_LOOKS[severity].label, counts.get(severity) ?? 0)] as const,
        ),
      ],
      placeOf: (value) => ({
        ...{ view, namespace },
        search: searchWithFilter(
          search,
          SEVERITIES.find((severity) => severity === value),
        ),
      }),
    }),
    namespaces.length > 1 &&
      choice({
        ...{ name: "Namespace", value: namespace },
        options: [["", "All namespaces"], ...namespaces.map((name) => [name, shown(name)] as const)],
        placeOf: (value) => ({ view, search, namespace: value }),
      }),
  );
}

interface Choice {
  readonly name: string;
  readonly value: string;
  /** Value and text; the empty value limits nothing. */
  readonly options: readonly (readonly [string, string])[];
  /** Where the page goes with a value. */
  readonly placeOf: (value: string) => Pick<Route, "view" | "search"> & { readonly namespace: string };
}

function choice({ name, value, options, placeOf }: Choice): ComponentChild {
  return h(
    "select",
    {
      "aria-label": name,
      class: value === "" ? "" : "chosen",
      value,
      onChange: ({ currentTarget }: { readonly currentTarget: HTMLSelectElement }) => {
        const { namespace, ...place } = placeOf(currentTarget.value);
        location.hash = fragmentOfRoute({ ...place, ...(namespace !== "" && { namespace }) });
      },
    },
    options.map(([each, text]) => h("option", { key: each, value: each }, text)),
  );
}
