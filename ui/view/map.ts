// The identity map: a drawing where there is room, the same as a nested list on a narrow screen.
import { type ComponentChild, h } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PodRow } from "../../src/operations/status/model.ts";
import { MARK_GAP, MARK_RADIUS, type PlacedMap, type PlacedNode, placeMap } from "../model/layout.ts";
import { allRows } from "../model/maker.ts";
import { type IdentityMap, identityMapOf, isBlockedNode, type MapColumn } from "../model/map.ts";
import { fragmentOfRoute } from "../model/route.ts";
import { rowsInNamespace, searchRows } from "../model/search.ts";
import { countsText, STATE_LOOKS, type StateCounts, totalOf, worseFirst, worstState } from "../model/state.ts";
import type { ViewProps } from "./context.ts";
import { codeTag, emptyNote, shown, stateBar, unknownNotes, viewTitle } from "./dom.ts";
import { icon } from "./icon.ts";
import { MapOutline } from "./map-outline.ts";

const MIN_DRAWING_WIDTH = 760;

const COLUMN_TITLES: Readonly<Record<MapColumn, string>> = {
  namespace: "Namespaces",
  workload: "Workloads",
  container: "Containers",
  role: "Roles",
};

/** The view. */
export function MapView({ snapshot, route, now }: ViewProps): ComponentChild {
  const { search, namespace } = route;
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  // Times are those of the reading's arrival, as in the lists; a new reading comes before they differ.
  const map = useMemo(
    () =>
      identityMapOf({
        rows: searchRows(rowsInNamespace(allRows(snapshot, now), namespace), search, now),
        now,
      }),
    [snapshot, search, namespace],
  );
  const isDrawn = width >= MIN_DRAWING_WIDTH;
  const placed = useMemo(() => (isDrawn ? placeMap(map, width) : undefined), [map, width, isDrawn]);
  return h(
    "div",
    { class: "view" },
    namespace !== undefined &&
      h("p", { class: "crumbs" }, h("a", { href: fragmentOfRoute({ view: "map" }) }, "All namespaces")),
    viewTitle(
      namespace === undefined ? "Identity map" : `Identity map of ${shown(namespace)}`,
      "Which container holds which role now, and for how long. Open a container to see why, a role to see who else could have it.",
    ),
    unknownNotes([...snapshot.unknown.pods, ...snapshot.unknown.namespaces]),
    h(
      "div",
      { ref: place, class: "map-place" },
      map.nodes.length === 0
        ? nothingOnMap(snapshot.pods, route.search)
        : // Until the width is known, neither form is right.
          width > 0 && (placed ? h(Drawing, { placed, totals: map.totals }) : h(MapOutline, { map })),
    ),
    hiddenNote(map),
  );
}

function nothingOnMap(rows: readonly PodRow[], search: string): ComponentChild {
  if (rows.length > 0)
    return emptyNote(search === "" ? "No pod of this namespace uses podrole" : "Nothing on the map matches the search");
  return emptyNote(
    "No pod uses podrole yet",
    h(
      "p",
      null,
      "Label a namespace with ",
      h("code", null, "podrole.io/inject: enabled"),
      ", let it permit a role, and annotate a pod with ",
      h("code", null, "iam.amazonaws.com/role"),
      ".",
    ),
  );
}

function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(widthOfContent);
  useLayoutEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    setWidth(current.clientWidth);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Of the element around the view, so that the first drawing is the right one already. */
function widthOfContent(): number {
  const content = document.querySelector("#content");
  if (content === null) return 0;
  const { paddingLeft, paddingRight } = getComputedStyle(content);
  return content.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
}

function Drawing({
  placed,
  totals,
}: {
  readonly placed: PlacedMap;
  readonly totals: IdentityMap["totals"];
}): ComponentChild {
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const lit = useMemo(() => (chosen === undefined ? undefined : connectedTo(chosen, placed)), [chosen, placed]);
  const dim = (id: string) => (lit === undefined || lit.has(id) ? "" : " dim");
  return h(
    "div",
    { class: "drawing", style: { height: `${placed.height + HEAD_HEIGHT}px` } },
    h(
      "svg",
      { width: placed.width, height: placed.height, "aria-hidden": "true", style: { top: `${HEAD_HEIGHT}px` } },
      placed.edges.toSorted(worstLast).map((edge) => {
        const isLit = lit === undefined || (lit.has(edge.from) && lit.has(edge.to));
        return arrow(edge, isLit ? "" : " dim");
      }),
    ),
    placed.columns.map(({ name, x, width }) =>
      h(
        "section",
        { key: name, "aria-label": COLUMN_TITLES[name] },
        h(
          "h2",
          { style: { left: `${x}px`, width: `${width}px` } },
          COLUMN_TITLES[name],
          h("span", { class: "total" }, ` ${totals[name] ?? 0}`),
        ),
        h(
          "ul",
          null,
          placed.nodes
            .filter(({ column }) => column === name)
            .map((node) =>
              h(
                "li",
                {
                  key: node.id,
                  class: dim(node.id),
                  style: {
                    left: `${node.x}px`,
                    top: `${node.y + HEAD_HEIGHT}px`,
                    width: `${node.width}px`,
                    height: `${node.height}px`,
                  },
                  onMouseEnter: () => setChosen(node.id),
                  onMouseLeave: () => setChosen(undefined),
                },
                nodeLink(node, { onFocus: () => setChosen(node.id), onBlur: () => setChosen(undefined) }),
              ),
            ),
        ),
      ),
    ),
  );
}

/** One arrow; a cross on it says that the role is not held. */
function arrow(
  { id, path, mark: { x, y }, isToRole, counts }: PlacedMap["edges"][number],
  dim: string,
): ComponentChild {
  const { tone } = STATE_LOOKS[worstState(counts)];
  const line = h("path", { d: path, class: `edge ${tone}`, "stroke-width": edgeWidth(counts) });
  const isMissing = tone === "bad" && isToRole;
  return h(
    "g",
    { key: id, class: dim.trim() },
    line,
    isMissing && [
      h("circle", { key: "clear", class: "clear", cx: x, cy: y, r: MARK_RADIUS + MARK_GAP }),
      h("circle", { key: "circle", class: "cross", cx: x, cy: y, r: MARK_RADIUS }),
      h("path", { key: "cross", class: "cross", d: `M${x - 3},${y - 3}l6,6m0,-6l-6,6`, "stroke-width": 1.8 }),
    ],
  );
}

/** What is drawn last stands before the rest. */
function worstLast(a: PlacedMap["edges"][number], b: PlacedMap["edges"][number]): number {
  return worseFirst(worstState(b.counts), worstState(a.counts));
}

const HEAD_HEIGHT = 34;

function nodeLink(
  { id, title, note, code, counts, href, column }: Omit<PlacedNode, "x" | "y" | "width" | "height">,
  events: object = {},
): ComponentChild {
  const { tone, glyph } = STATE_LOOKS[worstState(counts)];
  // A path is filled once: where it fails.
  const isFailure = tone === "bad" && column === "container";
  return h(
    "a",
    {
      class: `node ${column} ${tone}${isFailure ? " failure" : ""}${isBlockedNode(id) ? " blocked" : ""}`,
      href,
      title: `${shown(title)}: ${countsText(counts)}`,
      ...events,
    },
    icon(glyph),
    h("span", { class: "name" }, shown(title)),
    note !== "" && h("span", { class: `kind ${column === "container" && tone !== "good" ? tone : ""}` }, shown(note)),
    code !== undefined && codeTag(code, tone),
    h("span", { class: "unseen" }, `: ${countsText(counts)}`),
    // One state alone is the node's own colour.
    Object.keys(counts).length > 1 && stateBar(counts),
  );
}

function edgeWidth(counts: StateCounts): number {
  return Math.min(7, 2 + Math.log2(totalOf(counts)));
}

/** The node, what leads to it, and what it leads to. */
function connectedTo(id: string, { edges }: PlacedMap): ReadonlySet<string> {
  const follow = (start: string, next: (edge: PlacedMap["edges"][number]) => readonly [string, string]) => {
    const seen = new Set([start]);
    for (const at of seen) for (const edge of edges) if (next(edge)[0] === at) seen.add(next(edge)[1]);
    return seen;
  };
  return follow(id, ({ from, to }) => [from, to]).union(follow(id, ({ from, to }) => [to, from]));
}

function hiddenNote({ hidden, columns }: IdentityMap): ComponentChild {
  const parts = columns.flatMap((column) =>
    hidden[column] ? `${hidden[column]} ${COLUMN_TITLES[column].toLowerCase()}` : [],
  );
  const isOverview = columns.length === 2;
  if (parts.length === 0 && !isOverview) return null;
  return h(
    "p",
    { class: "faint" },
    isOverview && "Overview: choose a namespace, or search, to see its workloads and containers. ",
    parts.length > 0 && `Not drawn, because nothing is wrong with them or others are worse: ${parts.join(" and ")}. `,
    h("a", { href: fragmentOfRoute({ view: "pods" }) }, "All containers as a list"),
  );
}
