// Places of the map's nodes. Each column keeps the order of its input, from the worst on, with everything below a node
// together; dagre gives the heights on the page, so that arrows are straight where they can be. The columns themselves
// are fixed. (https://github.com/dagrejs/dagre/wiki)
import { Graph, layout } from "@dagrejs/dagre";
import type { IdentityMap, MapColumn, MapNode } from "./map.ts";

/** A node with its place, in pixels from the upper left corner. */
export interface PlacedNode extends MapNode {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An arrow as the path of an SVG. */
export interface PlacedEdge {
  readonly id: string;
  readonly path: string;
  /** The point halfway. */
  readonly middle: { readonly x: number; readonly y: number };
  readonly from: string;
  readonly to: string;
  readonly isToRole: boolean;
  readonly counts: IdentityMap["edges"][number]["counts"];
}

/** The map on the page. */
export interface PlacedMap {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly { readonly name: MapColumn; readonly x: number; readonly width: number }[];
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

const NODE_HEIGHT = 32;
const NODE_DISTANCE = 7;
/** Parts of the width: a container's node also has its time and the code of its refusal. */
const SHARES: Readonly<Record<MapColumn, number>> = { namespace: 3.4, workload: 5.4, container: 9.6, role: 6.1 };
const GAP_SHARE = 0.2;

/** Places the map in `width` pixels. */
export function placeMap({ columns, nodes, edges }: IdentityMap, width: number): PlacedMap {
  const places = columnPlaces(columns, width);
  const tops = topsOf(nodes, edges);
  const placed = nodes.map((node): PlacedNode => {
    const place = places.find(({ name }) => name === node.column);
    return { ...node, x: place?.x ?? 0, width: place?.width ?? 0, y: tops.get(node.id) ?? 0, height: NODE_HEIGHT };
  });
  const byId = new Map(placed.map((node) => [node.id, node]));
  return {
    width,
    height: Math.max(NODE_HEIGHT, ...placed.map(({ y, height }) => y + height)),
    columns: places,
    nodes: placed,
    edges: edges.flatMap(({ from, to, counts }) => {
      const [start, end] = [byId.get(from), byId.get(to)];
      if (start === undefined || end === undefined) return [];
      const isToRole = end.column === "role";
      return [{ id: `${from} → ${to}`, from, to, isToRole, counts, ...curveBetween(start, end) }];
    }),
  };
}

function columnPlaces(columns: readonly MapColumn[], width: number): PlacedMap["columns"] {
  const shares = columns.reduce((sum, column) => sum + SHARES[column], 0);
  // An overview has two columns, far from each other for its many arrows.
  const gap = columns.length > 1 ? (width * GAP_SHARE) / (columns.length - 1) : 0;
  const room = width - gap * (columns.length - 1);
  let x = 0;
  return columns.map((name) => {
    const place = { name, x, width: (room * SHARES[name]) / shares };
    x += place.width + gap;
    return place;
  });
}

/** Upper edges by node. Nodes without an arrow stand in the order in which they are given. */
function topsOf(nodes: readonly MapNode[], edges: IdentityMap["edges"]): ReadonlyMap<string, number> {
  const graph = new Graph();
  // The columns are fixed, so the search for the shortest arrows is left out.
  graph.setGraph({ rankdir: "LR", nodesep: NODE_DISTANCE, ranksep: 100, edgesep: 1, ranker: "tight-tree" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) graph.setNode(id, { width: 100, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  // Without its own order, dagre takes the nodes depth-first as they were set.
  layout(graph, { disableOptimalOrderHeuristic: true });
  const tops = nodes.map(({ id, column }) => ({ id, column, top: Number(graph.node(id)?.y ?? 0) - NODE_HEIGHT / 2 }));
  const highest = Math.min(0, ...tops.map(({ top }) => top));
  return new Map(
    [...Map.groupBy(tops, ({ column }) => column).values()].flatMap((all) => withoutOverlaps(all, highest)),
  );
}

/** dagre may put nodes of one column into different ranks, where they do not see each other. */
function withoutOverlaps(
  column: readonly { readonly id: string; readonly top: number }[],
  highest: number,
): readonly (readonly [string, number])[] {
  let free = -Infinity;
  return column
    .toSorted((a, b) => a.top - b.top)
    .map(({ id, top }) => {
      const y = Math.max(top - highest, free);
      free = y + NODE_HEIGHT + NODE_DISTANCE;
      return [id, y] as const;
    });
}

function curveBetween(start: PlacedNode, end: PlacedNode): Pick<PlacedEdge, "path" | "middle"> {
  const [x1, y1] = [start.x + start.width, start.y + start.height / 2];
  const [x2, y2] = [end.x, end.y + end.height / 2];
  const middle = (x1 + x2) / 2;
  return {
    path: `M${round(x1)},${round(y1)}C${round(middle)},${round(y1)} ${round(middle)},${round(y2)} ${round(x2)},${round(y2)}`,
    middle: { x: round(middle), y: round((y1 + y2) / 2) },
  };
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
