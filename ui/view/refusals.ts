// What was refused, grouped by code, with reason and remedy.
import { type ComponentChild, h } from "preact";
import { useMemo } from "preact/hooks";
import type { RefusedRow } from "../../src/operations/status/model.ts";
import { searchRows } from "../model/search.ts";
import type { ViewProps } from "./context.ts";
import { emptyNote, podLink, roleLink, shown, timeText, unknownNotes, viewTitle, withCode } from "./dom.ts";

/** More rows of one code are searched for. */
const ROWS_OF_ONE_CODE = 50;

/** The view. */
export function RefusalsView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { refusals, refusalsSince, remedies, unknown } = snapshot;
  const { search, namespace } = route;
  const groups = useMemo(() => {
    const inPlace = namespace === undefined ? refusals : refusals.filter((row) => row.namespace === namespace);
    return [...Map.groupBy(searchRows(inPlace, search, 0), ({ code }) => code)];
  }, [refusals, search, namespace]);
  const reach =
    refusalsSince === undefined
      ? "from the Events of the last hour, and how sidecars ended"
      : h("span", null, "recorded since ", timeText(refusalsSince, now));
  return h(
    "div",
    { class: "view" },
    viewTitle("Refusals", h("span", null, `${refusals.length} in all, `, reach)),
    unknownNotes([...unknown.refusals, ...unknown.pods]),
    groups.length === 0
      ? emptyNote(refusals.length === 0 ? "Nothing was refused" : "No refusal matches")
      : groups.map(([code, rows]) => codeGroup(code, rows, remedies[code], now)),
  );
}

function codeGroup(code: string, rows: readonly RefusedRow[], remedy: string | undefined, now: number): ComponentChild {
  const pods = new Set(rows.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
  return h(
    "section",
    { key: code, class: "refusal" },
    h(
      "h2",
      null,
      h("code", null, shown(code)),
      h("span", { class: "faint" }, pods === 1 ? " one pod" : ` ${pods} pods`),
    ),
    remedy !== undefined && h("p", { class: "remedy" }, h("b", null, "Remedy: "), withCode(remedy)),
    h(
      "ul",
      { class: "lines" },
      rows.slice(0, ROWS_OF_ONE_CODE).map((row) => {
        const { namespace, pod, container, time, count, message, role } = row;
        return h(
          "li",
          { key: `${namespace} ${pod} ${container} ${time} ${role ?? ""}` },
          h("span", { class: "when" }, timeText(time, now)),
          h(
            "span",
            null,
            podLink(namespace, pod),
            container !== "" && ` · ${shown(container)}`,
            count > 1 && ` × ${count}`,
            role !== undefined && [" · ", roleLink(role)],
          ),
          h("p", null, shown(message)),
        );
      }),
    ),
    rows.length > ROWS_OF_ONE_CODE &&
      h("p", { class: "faint" }, `${rows.length - ROWS_OF_ONE_CODE} more; search for a pod or a namespace`),
  );
}
