// Places of the map's nodes. Each column keeps the order of its input, from the worst on, with everything below a node
// together; dagre gives the heights on the page, so that arrows are straight where they can be. The columns themselves
// are fixed. (https://github.com/dagrejs/dagre/wiki)
import { Graph, layout } from "@dagrejs/dagre";
import type { IdentityMap, MapColumn, MapNode } from "./map.ts";
import { STATE_LOOKS, type StateCounts, worstState } from "./state.ts";

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
  /** Where a mark on it does not touch the others: halfway if possible. */
  readonly mark: Point;
  readonly from: string;
  readonly to: string;
  readonly isToRole: boolean;
  readonly counts: IdentityMap["edges"][number]["counts"];
}

/** A point of the drawing, in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The map on the page. */
export interface PlacedMap {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly { readonly name: MapColumn; readonly x: number; readonly width: number }[];
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Radius of a mark on an arrow, and the gap around it. */
export const MARK_RADIUS = 7;
export const MARK_GAP = 3;
const NODE_HEIGHT = 32;
const NODE_DISTANCE = 7;
/** Parts of the width: a container's node also has its time and the code of its refusal. */
const SHARES: Readonly<Record<MapColumn, number>> = { namespace: 3.4, workload: 5.4, container: 9.6, role: 6.1 };
const GAP_SHARE = 0.2;

/** Places the map in `width` pixels. */
export function placeMap({ columns, nodes, edges }: IdentityMap, width: number): PlacedMap {
  const places = columnPlaces(columns, width);
  // In an overview each namespace has many roles, so that no arrow can be straight: its columns are lists.
  const tops = columns.length > 2 ? topsOf(nodes, edges) : stackedTops(nodes);
  const placed = nodes.map((node): PlacedNode => {
    const place = places.find(({ name }) => name === node.column);
    return { ...node, x: place?.x ?? 0, width: place?.width ?? 0, y: tops.get(node.id) ?? 0, height: NODE_HEIGHT };
  });
  const byId = new Map(placed.map((node) => [node.id, node]));
  const drawn = edges.flatMap(({ from, to, counts }) => {
    const [start, end] = [byId.get(from), byId.get(to)];
    if (start === undefined || end === undefined) return [];
    const isToRole = end.column === "role";
    return [{ id: `${from} → ${to}`, from, to, isToRole, counts, curve: curveBetween(start, end) }];
  });
  const toRoles = drawn.filter(({ isToRole }) => isToRole).map(({ curve }) => curve);
  return {
    width,
    height: Math.max(NODE_HEIGHT, ...placed.map(({ y, height }) => y + height)),
    columns: places,
    nodes: placed,
    edges: drawn.map(({ id, from, to, isToRole, counts, curve }) => ({
      id,
      from,
      to,
      isToRole,
      counts,
      path: pathOf(curve),
      // The others have none: the search for a free place takes longer than everything else here.
      mark: isToRole && isBad(counts) ? markOn(curve, toRoles) : pointOn(curve, 0.5),
    })),
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

function stackedTops(nodes: readonly MapNode[]): ReadonlyMap<string, number> {
  const columns = Map.groupBy(nodes, ({ column }) => column).values();
  return new Map(
    [...columns].flatMap((all) => all.map(({ id }, index) => [id, index * (NODE_HEIGHT + NODE_DISTANCE)] as const)),
  );
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

/** An arrow leaves its start and reaches its end horizontally. */
interface Curve {
  readonly from: Point;
  readonly to: Point;
}

function curveBetween(start: PlacedNode, end: PlacedNode): Curve {
  return {
    from: { x: start.x + start.width, y: start.y + start.height / 2 },
    to: { x: end.x, y: end.y + end.height / 2 },
  };
}

function pathOf({ from, to }: Curve): string {
  const middle = round((from.x + to.x) / 2);
  return `M${round(from.x)},${round(from.y)}C${middle},${round(from.y)} ${middle},${round(to.y)} ${round(to.x)},${round(to.y)}`;
}

/** The point of the cubic curve at a part of it, from 0 to 1. */
function pointOn({ from, to }: Curve, part: number): Point {
  const rest = 1 - part;
  const [begin, end] = [rest ** 3, part ** 3];
  const [first, second] = [3 * rest ** 2 * part, 3 * rest * part ** 2];
  return {
    x: round(begin * from.x + ((first + second) * (from.x + to.x)) / 2 + end * to.x),
    y: round((begin + first) * from.y + (second + end) * to.y),
  };
}

function isBad(counts: StateCounts): boolean {
  return STATE_LOOKS[worstState(counts)].tone === "bad";
}

/** Where a mark may stand on an arrow, the best first. */
const MARK_PARTS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2];
/** Of a curve that is as high as the page, the points are few pixels from each other. */
const CURVE_POINTS = Array.from({ length: 120 }, (_, index) => index / 119);
/** Among more arrows no place is free. */
const MAX_ARROWS = 60;

function markOn(curve: Curve, all: readonly Curve[]): Point {
  const half = pointOn(curve, 0.5);
  if (all.length > MAX_ARROWS) return half;
  const others = all
    .filter((each) => each !== curve)
    .flatMap((each) => CURVE_POINTS.map((part) => pointOn(each, part)));
  const isFree = ({ x, y }: Point) =>
    others.every((other) => Math.hypot(other.x - x, other.y - y) > MARK_RADIUS + MARK_GAP);
  return MARK_PARTS.map((part) => pointOn(curve, part)).find(isFree) ?? half;
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
