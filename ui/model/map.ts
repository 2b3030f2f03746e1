// The identity map as a graph of four columns: namespace → workload → container → role. Pods of a workload are one
// node. A graph that would have too many nodes to read is an overview: namespace → role. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";
import { accountOf, shortRole } from "./roles.ts";
import { fragmentOfRoute } from "./route.ts";
import {
  type HoldState,
  holdStateOf,
  STATE_LOOKS,
  type StateCounts,
  totalOf,
  worseFirst,
  worstState,
} from "./state.ts";
import { renewalText, untilText } from "./time.ts";

/** The columns, from left to right. */
export const MAP_COLUMNS = ["namespace", "workload", "container", "role"] as const;
/** What a node is. */
export type MapColumn = (typeof MAP_COLUMNS)[number];

/** One node. */
export interface MapNode {
  readonly id: string;
  readonly column: MapColumn;
  readonly title: string;
  /** What is beside its name. */
  readonly note: string;
  /** What is below it where its state stands beside the name: of a container until when it holds its credentials. */
  readonly detail: string;
  /** Of the last refusal of a container that is not well. */
  readonly code: string | undefined;
  readonly counts: StateCounts;
  /** Fragment of the address that shows more of it. */
  readonly href: string;
}

/** An arrow between nodes of two columns. */
export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly counts: StateCounts;
}

/** The graph, and what it leaves out. */
export interface IdentityMap {
  readonly columns: readonly MapColumn[];
  /** What each column has, drawn or not; of containers each one of each pod. */
  readonly totals: Readonly<Partial<Record<MapColumn, number>>>;
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** Nodes that are not drawn, by column. */
  readonly hidden: Readonly<Partial<Record<MapColumn, number>>>;
}

/** What the map is made from. `now`: Unix milliseconds. */
export interface MapInput {
  /** Containers, and workloads that cannot create a pod: allRows(). */
  readonly rows: readonly PodRow[];
  readonly now: number;
}

/** A column with more cannot be read. */
const MAX_COLUMN_NODES = 40;

/** A node before it is known whether it is drawn: an address is made for those that are. */
interface PathNode extends Omit<MapNode, "counts" | "href" | "detail" | "code"> {
  readonly place: Parameters<typeof fragmentOfRoute>[0];
}

/** One statement "this state is on the path of these nodes", and what a container's node says about it. */
interface MapPath extends Pick<PodRow, "code" | "expires" | "renewed"> {
  readonly nodes: readonly PathNode[];
  readonly state: HoldState;
  /** How many containers have it. */
  readonly count: number;
}

/** Returns the whole map, or an overview if the whole has too many nodes in a column. */
export function identityMapOf({ rows, now }: MapInput): IdentityMap {
  if (hasManyContainers(rows)) return graphOf(["namespace", "role"], overviewPaths(rows, now), now);
  return graphOf(
    MAP_COLUMNS,
    rows.map((row) => wholePath(row, now)),
    now,
  );
}

function hasManyContainers(rows: readonly PodRow[]): boolean {
  const containers = new Set<string>();
  return rows.some((row) => containers.add(containerId(row)).size > MAX_COLUMN_NODES);
}

/** Thousands of rows have few paths: each is made once, with the number of its containers. */
function overviewPaths(rows: readonly PodRow[], now: number): readonly MapPath[] {
  const found = new Map<string, Map<string, Map<HoldState, number>>>();
  for (const row of rows) {
    const roles = collect(found, row.namespace, () => new Map<string, Map<HoldState, number>>());
    const states = collect(roles, row.role ?? "", () => new Map<HoldState, number>());
    const state = holdStateOf(row, now);
    states.set(state, (states.get(state) ?? 0) + 1);
  }
  const roleNodes = new Map<string, PathNode>();
  return [...found].flatMap(([namespace, roles]) => {
    const first = namespaceNode(namespace);
    return [...roles].flatMap(([role, states]) => {
      const nodes = role === "" ? [first] : [first, collect(roleNodes, role, () => roleNode(role))];
      return [...states].map(([state, count]): MapPath => ({ nodes, state, count }));
    });
  });
}

function workloadOf({ workload, pod }: PodRow): string {
  return workload ?? `Pod/${pod}`;
}

function containerId(row: PodRow): string {
  return `c ${row.namespace} ${workloadOf(row)} ${row.container}`;
}

function wholePath(row: PodRow, now: number): MapPath {
  const { namespace, pod, container, role, code, expires, renewed } = row;
  const workload = workloadOf(row);
  const [kind = "", name = ""] = workload.split(/\/(.*)/s);
  const state = holdStateOf(row, now);
  return {
    ...{ state, count: 1 },
    ...(code !== undefined && { code }),
    ...(expires !== undefined && { expires }),
    ...(renewed !== undefined && { renewed }),
    nodes: [
      namespaceNode(namespace),
      {
        id: `w ${namespace} ${workload}`,
        column: "workload",
        title: name,
        note: kind,
        place: kind === "Pod" ? { view: "pod", parts: [namespace, pod] } : { view: "pods", namespace, search: name },
      },
      state === "blocked"
        ? blockedNode(row, name)
        : {
            id: containerId(row),
            column: "container",
            title: container === "" ? "(all containers)" : container,
            note: "",
            place: { view: "pod", parts: [namespace, pod] },
          },
      ...(role === undefined ? [] : [roleNode(role)]),
    ],
  };
}

/** Where the containers of pods would be that were refused before they were created. */
function blockedNode(row: PodRow, name: string): PathNode {
  const { namespace, code = "" } = row;
  return {
    ...{ id: `b ${namespace} ${workloadOf(row)}`, column: "container", title: "no pod was created", note: "" },
    place: { view: "refusals", parts: [code], namespace, search: name },
  };
}

/** Reports whether a node stands for pods that were refused before they were created. */
export function isBlockedNode(id: string): boolean {
  return id.startsWith("b ");
}

function namespaceNode(namespace: string): PathNode {
  return { id: `n ${namespace}`, column: "namespace", title: namespace, note: "", place: { view: "map", namespace } };
}

function roleNode(role: string): PathNode {
  const place = { view: "role", parts: [role] } as const;
  return { id: `r ${role}`, column: "role", title: shortRole(role), note: accountOf(role), place };
}

function graphOf(columns: readonly MapColumn[], paths: readonly MapPath[], now: number): IdentityMap {
  const nodes = new Map<string, { readonly node: PathNode; readonly paths: MapPath[] }>();
  const edges = new Map<string, { readonly from: string; readonly to: string; readonly paths: MapPath[] }>();
  for (const path of paths) {
    for (const [index, node] of path.nodes.entries()) {
      collect(nodes, node.id, () => ({ node, paths: [] })).paths.push(path);
      const before = path.nodes[index - 1];
      if (before === undefined) continue;
      const edge = { from: before.id, to: node.id, paths: [] };
      collect(edges, `${before.id} → ${node.id}`, () => edge).paths.push(path);
    }
  }
  const accounts = new Set([...nodes.values()].flatMap(({ node }) => (node.column === "role" ? node.note : [])));
  const totals: Partial<Record<MapColumn, number>> = {};
  const hidden: Partial<Record<MapColumn, number>> = {};
  const drawn = columns.flatMap((column) => {
    const all = [...nodes.values()]
      .filter(({ node }) => node.column === column)
      .map((found) => rankedNode(found.node, found.paths))
      .toSorted(rankFirst);
    const existing = all.filter(({ node }) => !isBlockedNode(node.id));
    totals[column] = column === "container" ? existing.reduce((sum, { total }) => sum + total, 0) : all.length;
    if (all.length > MAX_COLUMN_NODES) hidden[column] = all.length - MAX_COLUMN_NODES;
    return all.slice(0, MAX_COLUMN_NODES).map(({ node, paths: through, counts, total }): MapNode => {
      const { id, title } = node;
      const note = noteOf(node, through, { total, showsAccount: accounts.size > 1, now });
      const isContainer = column === "container";
      const code = isContainer ? codeOf(through) : undefined;
      const detail = isContainer ? stateDetail(through, now) : note;
      const href = fragmentOfRoute(worstPlace(node, through) ?? node.place);
      return { id, column, title, note, detail, code, counts, href };
    });
  });
  const places = new Map(drawn.map(({ id }, index) => [id, index]));
  const placeOf = (id: string) => places.get(id) ?? -1;
  return {
    columns,
    totals,
    hidden,
    nodes: drawn,
    edges: [...edges.values()]
      .filter(({ from, to }) => places.has(from) && places.has(to))
      // What is worst comes first below each node too.
      .toSorted((a, b) => placeOf(a.from) - placeOf(b.from) || placeOf(a.to) - placeOf(b.to))
      .map(({ from, to, paths: through }) => ({ from, to, counts: countPaths(through) })),
  };
}

function collect<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const found = map.get(key) ?? create();
  map.set(key, found);
  return found;
}

/** What the order of a column depends on; made once for each node. */
interface NodeRank {
  readonly worst: HoldState;
  readonly total: number;
  readonly title: string;
}

function rankedNode(node: PathNode, paths: readonly MapPath[]) {
  const counts = countPaths(paths);
  return { node, paths, counts, worst: worstState(counts), total: totalOf(counts), title: node.title };
}

function countPaths(paths: readonly MapPath[]): StateCounts {
  const counts: Partial<Record<HoldState, number>> = {};
  for (const { state, count } of paths) counts[state] = (counts[state] ?? 0) + count;
  return counts;
}

/** Nodes in a bad state, then those with most containers, so that what is left out is the least. */
function rankFirst(a: NodeRank, b: NodeRank): number {
  return worseFirst(a.worst, b.worst) || b.total - a.total || (a.title < b.title ? -1 : 1);
}

/** The same order for nodes of the map. */
export function worstFirst(a: MapNode, b: MapNode): number {
  const rankOf = ({ counts, title }: MapNode) => ({ worst: worstState(counts), total: totalOf(counts), title });
  return rankFirst(rankOf(a), rankOf(b));
}

/** What a node says beside its name. A map of one account does not repeat it. */
function noteOf(
  { column, note }: Pick<PathNode, "column" | "note">,
  paths: readonly MapPath[],
  { total, showsAccount, now }: { readonly total: number; readonly showsAccount: boolean; readonly now: number },
): string {
  const join = (...parts: readonly string[]) => parts.filter(Boolean).join(" · ");
  if (column === "container") return stateNote(paths, now);
  const holders = column === "role" && total > 1 ? `${total.toLocaleString("en")} containers` : "";
  return column === "role" ? join(showsAccount ? note : "", holders) : note;
}

/** A container of several pods leads to the pod in which it is worst. */
function worstPlace({ id, column }: Pick<PathNode, "id" | "column">, paths: readonly MapPath[]) {
  return column === "container" ? worstOf(paths)?.nodes.find((node) => node.id === id)?.place : undefined;
}

function worstOf(paths: readonly MapPath[]): MapPath | undefined {
  return paths.toSorted((a, b) => worseFirst(a.state, b.state))[0];
}

/** The state of the worst container, of how many pods it is, and until when; nothing of a state that is well. */
function stateNote(paths: readonly MapPath[], now: number): string {
  const worst = worstOf(paths);
  if (worst === undefined) return "";
  const { length: pods } = paths;
  const alike = paths.filter(({ state }) => state === worst.state).length;
  const count = pods === 1 ? "" : alike === pods ? `${pods} pods` : `${alike} of ${pods} pods`;
  const label = worst.state === "holding" ? "" : STATE_LOOKS[worst.state].label;
  const detail = stateDetail(paths, now);
  // "expired 4 min ago" is one statement, "overdue" and "6 min left" are two.
  const state = worst.state === "expired" ? [[label, detail].join(" ").trim()] : [label, detail];
  return [count, ...state].filter(Boolean).join(" · ");
}

/** Until when the first of those in the worst state holds its credentials; if all are well, when it renews them. */
function stateDetail(paths: readonly MapPath[], now: number): string {
  const worst = worstOf(paths);
  if (worst === undefined || worst.state === "leaving") return "";
  const [soonest] = paths
    .filter(({ state, expires }) => state === worst.state && expires !== undefined)
    .toSorted((a, b) => Date.parse(a.expires ?? "") - Date.parse(b.expires ?? ""));
  const { renewed, expires } = soonest ?? {};
  if (expires === undefined) return "";
  return (worst.state === "holding" && renewalText(renewed, expires, now)) || untilText(expires, now);
}

/** The code of one pod: those of several may differ. */
function codeOf(paths: readonly MapPath[]): string | undefined {
  const [only, ...others] = paths;
  return only === undefined || others.length > 0 || only.state === "holding" ? undefined : only.code;
}
