// Merges the answers of the server's replicas: each knows the pods that called it. Pure. Of two statements about one
// container, the one with the later time counts; merging an answer twice changes nothing, except for the counts of STS.
import type {
  ClusterState,
  ContainerHolding,
  NamespaceUsage,
  PodState,
  RefusalRecord,
  RefusalRecords,
  ServerReplica,
  StatePage,
  StsMinute,
  StsState,
  TrustState,
} from "./model.ts";

/** Merges pages in any order, of one or several replicas. Undefined without a page. */
export function mergeStatePages(pages: readonly StatePage[]): ClusterState | undefined {
  const [first] = pages;
  if (first === undefined) return undefined;
  const replicas = mergeReplicas(pages);
  const refusals = mergeRefusals(pages.flatMap((page) => page.refusals ?? []));
  const trust = mergeTrust(pages);
  const sts = mergeSts(newestPerReplica(pages).flatMap((page) => page.sts ?? []));
  return {
    replicas,
    ...(first.namespace !== undefined && { namespace: first.namespace }),
    pods: mergePods(pages.flatMap(({ pods }) => pods)),
    ...(refusals && { refusals }),
    ...(trust && { trust }),
    ...(sts && { sts }),
  };
}

/** Orders pods by namespace, then by name: the order of every answer. */
export function comparePods(a: Pick<PodState, "namespace" | "name">, b: Pick<PodState, "namespace" | "name">): number {
  return compareTexts(a.namespace, b.namespace) || compareTexts(a.name, b.name);
}

/** By code units, so that the order is the same everywhere. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function mergeReplicas(pages: readonly StatePage[]): readonly ServerReplica[] {
  return newestPerReplica(pages)
    .map(({ replica }) => replica)
    .toSorted((a, b) => compareTexts(a.name, b.name));
}

/** The first page of a replica has the counts, so of its pages one with counts is preferred. */
function newestPerReplica(pages: readonly StatePage[]): readonly StatePage[] {
  const newest = new Map<string, StatePage>();
  for (const page of pages) {
    const { name } = page.replica;
    const other = newest.get(name);
    if (other === undefined || isPreferred(page, other)) newest.set(name, page);
  }
  return [...newest.values()];
}

function isPreferred(page: StatePage, other: StatePage): boolean {
  const [hasSts, otherHasSts] = [page.sts !== undefined, other.sts !== undefined];
  return hasSts === otherHasSts ? page.replica.answeredAt > other.replica.answeredAt : hasSts;
}

function mergePods(pods: readonly PodState[]): readonly PodState[] {
  const byUid = new Map<string, PodState>();
  for (const pod of pods) {
    const other = byUid.get(pod.uid);
    byUid.set(pod.uid, other ? mergePod(other, pod) : pod);
  }
  return [...byUid.values()].toSorted(comparePods);
}

function mergePod(a: PodState, b: PodState): PodState {
  const { unknownSince: _, ...pod } = { ...a, ...b };
  const containers = new Map(a.containers.map((holding) => [holding.container, holding]));
  for (const holding of b.containers) {
    const other = containers.get(holding.container);
    if (other === undefined || isNewer(holding, other)) containers.set(holding.container, holding);
  }
  const unknownSince = laterText(a.unknownSince, b.unknownSince);
  return {
    ...pod,
    containers: [...containers.values()],
    ...(containers.size === 0 && unknownSince !== undefined && { unknownSince }),
  };
}

/** What a server itself issued is certain, and no report takes its place before it has expired. */
function isNewer(a: ContainerHolding, b: ContainerHolding): boolean {
  if (a.source === b.source) return a.observedAt > b.observedAt;
  const [issued, reported] = a.source === "issued" ? [a, b] : [b, a];
  const isIssuedValid = issued.observedAt >= reported.observedAt || (issued.expiresAt ?? "") > reported.observedAt;
  return isIssuedValid === (a === issued);
}

function laterText(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}

/** Identifies the container, role and code of a refusal: equal ones are counted in one record. */
export function refusalKey({ uid, namespace, pod, container, role = "", code }: RefusalRecord): string {
  return JSON.stringify([namespace, pod, uid, container, role, code]);
}

/**
 * Merges records that are views of the same: of two with one key the higher count, the earlier beginning and the later
 * end. Undefined without records. They are complete from the latest beginning on.
 */
export function mergeRefusals(records: readonly RefusalRecords[]): RefusalRecords | undefined {
  const [first] = records;
  if (first === undefined) return undefined;
  const rows = new Map<string, RefusalRecord>();
  for (const row of records.flatMap((record) => record.rows)) {
    const key = refusalKey(row);
    const other = rows.get(key);
    rows.set(key, other ? sameRefusal(other, row) : row);
  }
  const recordedSince = records.reduce((since, record) => later(since, record.recordedSince), first.recordedSince);
  const sharedAt = records.reduce<string | undefined>((at, record) => laterText(at, record.sharedAt), undefined);
  return {
    recordedSince,
    ...(sharedAt !== undefined && { sharedAt }),
    rows: [...rows.values()].toSorted(newestRefusalFirst),
  };
}

/** Orders refusals by the time of the last one, the newest first. */
export function newestRefusalFirst(a: RefusalRecord, b: RefusalRecord): number {
  return compareTexts(b.time, a.time) || compareTexts(refusalKey(a), refusalKey(b));
}

function sameRefusal(a: RefusalRecord, b: RefusalRecord): RefusalRecord {
  const newest = a.time > b.time ? a : b;
  return { ...newest, since: a.since < b.since ? a.since : b.since, count: Math.max(a.count, b.count) };
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

/** All replicas read one Secret, at most a minute ago: the newest answer counts. */
function mergeTrust(pages: readonly StatePage[]): TrustState | undefined {
  const answers = pages.filter(({ trust }) => trust !== undefined);
  const newest = answers.toSorted((a, b) => compareTexts(b.replica.answeredAt, a.replica.answeredAt))[0]?.trust;
  if (newest === undefined || new Set(answers.map(({ replica }) => replica.name)).size === 1) return newest;
  const { servingExpiresAt: _, ...shared } = newest;
  return shared;
}

function mergeSts(states: readonly StsState[]): StsState | undefined {
  const [first] = states;
  if (first === undefined) return undefined;
  const sum = (count: (state: StsState) => number) => states.reduce((total, state) => total + count(state), 0);
  const results: Record<string, number> = {};
  for (const [code, count] of states.flatMap((state) => Object.entries(state.results))) {
    results[code] = (results[code] ?? 0) + count;
  }
  return {
    results,
    waiting: sum(({ waiting }) => waiting),
    heldBack: { rate: sum(({ heldBack }) => heldBack.rate), pause: sum(({ heldBack }) => heldBack.pause) },
    windowSeconds: Math.max(...states.map(({ windowSeconds }) => windowSeconds)),
    namespaces: mergeUsage(states),
    ...(states.some(({ minutes }) => minutes) && { minutes: mergeMinutes(states) }),
  };
}

/** Minutes begin at the same times in every replica. */
function mergeMinutes(states: readonly StsState[]): readonly StsMinute[] {
  const byTime = new Map<string, StsMinute>();
  for (const { at, ok, failed } of states.flatMap(({ minutes = [] }) => minutes)) {
    const other = byTime.get(at) ?? { at, ok: 0, failed: 0 };
    byTime.set(at, { at, ok: other.ok + ok, failed: other.failed + failed });
  }
  return [...byTime.values()].toSorted((a, b) => compareTexts(a.at, b.at));
}

/** A share is of all calls, also of those of namespaces that a replica left out. */
function mergeUsage(states: readonly StsState[]): readonly NamespaceUsage[] {
  const calls = new Map<string, number>();
  let total = 0;
  for (const { namespaces } of states) {
    const [top] = namespaces;
    if (top && top.share > 0) total += top.calls / top.share;
    for (const usage of namespaces) calls.set(usage.namespace, (calls.get(usage.namespace) ?? 0) + usage.calls);
  }
  return [...calls]
    .map(([namespace, count]) => ({ namespace, calls: count, share: total > 0 ? Math.min(1, count / total) : 0 }))
    .toSorted((a, b) => b.calls - a.calls || compareTexts(a.namespace, b.namespace));
}
