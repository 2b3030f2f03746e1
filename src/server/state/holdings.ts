// What each pod's containers hold, as far as this replica knows since its start: what it issued or refused itself, and
// what sidecars report with their calls. Shown to operators; nothing is decided from it, so a pod that reports wrong
// values is wrong about itself alone. Contains no secret.
// States of a pod: unknown (no entry) → known, with its first result or report → forgotten: by sweep(), once the pod is
// gone; or when there are too many containers, its namespace has most of them, and of that namespace's pods it is the
// one that has been silent for longest.
import { MAX_WATCH_LAG_MS } from "../../kubernetes/reflector.ts";
import { MAX_CONTAINERS_WITH_ROLE } from "../../policy/containers.ts";
import { ERRORS, type ErrorInfo, isErrorCode } from "../../protocol/errors.ts";
import type { ContainerHolding } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ObservedPod, ReportedHolding, ResultObserver } from "../issue/result-observer.ts";

export interface PodHoldings extends ResultObserver {
  /** Returns what the pod's containers hold; undefined if nothing is known. */
  of(uid: string): readonly ContainerHolding[] | undefined;
  /** Reports whether the container has credentials, or has had some. */
  readonly hasHeld: (uid: string, container: string) => boolean;
  /**
   * Forgets pods that are gone. A pod that was observed in the last minute stays: a watch may not have delivered it
   * yet, and a pod that is forgotten too early counts as one that starts. `living`: their uids, the same object as long
   * as no pod has begun or ended.
   */
  sweep(living: Pick<ReadonlySet<string>, "has">): void;
  /** Number of containers. */
  readonly size: number;
}

/** Times are Unix milliseconds. */
interface HoldingRecord {
  readonly role?: string;
  readonly expiry?: number;
  readonly renewedAt?: number;
  readonly code?: string;
  readonly since: number;
  readonly observedAt: number;
  readonly source: ContainerHolding["source"];
}

interface HoldingsOfPod {
  readonly namespace: string;
  readonly containers: Map<string, HoldingRecord>;
}

/** Its pods in the order of their last observation, and the number of their containers. */
interface HoldingsOfNamespace {
  readonly uids: Set<string>;
  size: number;
}

/** About 250 bytes each, 12 MiB; enough for 20 000 pods with two roles each. */
const MAX_HELD_CONTAINERS = 40_000;

/** What the record needs. */
export interface PodHoldingsDeps {
  readonly clock: Pick<Clock, "now">;
  /** The names of the pod's own containers; undefined if they are not known. */
  readonly containersOf: (pod: ObservedPod) => readonly string[] | undefined;
}

/** Creates an empty record. */
export function createPodHoldings(
  { clock, containersOf }: PodHoldingsDeps,
  { capacity = MAX_HELD_CONTAINERS }: { readonly capacity?: number } = {},
): PodHoldings {
  const pods = new Map<string, HoldingsOfPod>();
  const namespaces = new Map<string, HoldingsOfNamespace>();
  let size = 0;
  /** What all pods were compared with last, and the pods that may have to go all the same. */
  let comparedWith: unknown;
  const unsettled = new Set<string>();

  /** Counts `change` more containers of a namespace. */
  function count(namespace: string, change: number): void {
    size += change;
    const held = namespaces.get(namespace);
    if (held) held.size += change;
  }

  function remove(uid: string): void {
    const { namespace, containers } = pods.get(uid) ?? {};
    unsettled.delete(uid);
    if (namespace === undefined || !pods.delete(uid)) return;
    count(namespace, -(containers?.size ?? 0));
    const held = namespaces.get(namespace);
    held?.uids.delete(uid);
    if (held?.uids.size === 0) namespaces.delete(namespace);
  }

  function put(
    { uid, namespace }: ObservedPod,
    container: string,
    change: (before: HoldingRecord | undefined) => HoldingRecord,
  ): void {
    const { containers } = pods.get(uid) ?? { containers: new Map<string, HoldingRecord>() };
    const sizeBefore = containers.size;
    const before = containers.get(container);
    const after = change(before);
    if (before === undefined && containers.size >= MAX_CONTAINERS_WITH_ROLE && !makeRoom(containers, after)) return;
    const isSame = before !== undefined && before.role === after.role && before.code === after.code;
    const held = namespaces.get(namespace) ?? { uids: new Set<string>(), size: 0 };
    namespaces.set(namespace, held);
    containers.set(container, isSame ? { ...after, since: before.since } : after);
    pods.set(uid, { namespace, containers });
    count(namespace, containers.size - sizeBefore);
    held.uids.delete(uid);
    held.uids.add(uid);
    unsettled.add(uid);
    evict(uid);
  }

  /** Forgets pods of the largest namespace while there are too many containers; `newest` is never one of them. */
  function evict(newest: string): void {
    const [oldest] = size > capacity ? largestNamespace().uids : [];
    if (oldest === undefined || oldest === newest) return;
    remove(oldest);
    evict(newest);
  }

  /** No namespace can push out what is known of another one that has fewer containers. */
  function largestNamespace(): HoldingsOfNamespace {
    let largest: HoldingsOfNamespace = { uids: new Set(), size: 0 };
    for (const each of namespaces.values()) if (each.size > largest.size) largest = each;
    return largest;
  }

  /** What a pod reports may be untrue: what the server issued to a container takes the place of one such record. */
  function makeRoom(containers: Map<string, HoldingRecord>, { source }: HoldingRecord): boolean {
    const reported = [...containers].find((entry) => entry[1].source === "reported");
    if (source === "reported" || reported === undefined) return false;
    return containers.delete(reported[0]);
  }

  function refuse(pod: ObservedPod, container: string, code: ErrorInfo["code"]): void {
    const now = clock.now();
    put(pod, container, (before) => {
      const { expiry, renewedAt, ...kept } = before ?? {};
      // The sidecar revokes credentials by the same column of the table.
      const isKept = ERRORS[code].keep && expiry !== undefined && expiry > now;
      const session = isKept ? { expiry, ...(renewedAt !== undefined && { renewedAt }) } : {};
      return { ...kept, ...session, code, since: now, observedAt: now, source: "issued" };
    });
  }

  return {
    issued(pod, container, { role, remainingMs }) {
      const now = clock.now();
      const expiry = now + remainingMs;
      put(pod, container, () => {
        return { role, expiry, renewedAt: now, since: now, observedAt: now, source: "issued" };
      });
    },
    refused(pod, container, { code }) {
      if (container !== undefined) return refuse(pod, container, code);
      for (const name of [...(pods.get(pod.uid)?.containers.keys() ?? [])]) refuse(pod, name, code);
    },
    // No container of the pod.
    refusedUnknown() {},
    requested() {},
    hasHeld: (uid, container) => pods.get(uid)?.containers.get(container)?.role !== undefined,
    reported(pod, holdings) {
      const now = clock.now();
      // A pod may report any names: those that it does not have would take the place of others.
      const own = new Set(containersOf(pod));
      for (const holding of holdings.filter(({ container }) => own.has(container))) {
        if (isNews(pods.get(pod.uid)?.containers.get(holding.container), holding, now)) {
          put(pod, holding.container, () => toRecord(holding, now));
        }
      }
    },
    of(uid) {
      const { containers } = pods.get(uid) ?? {};
      return containers && [...containers].map(([container, record]) => toHolding(container, record));
    },
    sweep(living) {
      const now = clock.now();
      for (const uid of living === comparedWith ? [...unsettled] : [...pods.keys()]) {
        const records = [...(pods.get(uid)?.containers.values() ?? [])];
        if (living.has(uid)) unsettled.delete(uid);
        else if (records.some(({ observedAt }) => now - observedAt < MAX_WATCH_LAG_MS)) unsettled.add(uid);
        else remove(uid);
      }
      comparedWith = living;
    },
    get size() {
      return size;
    },
  };
}

/**
 * What the server itself issued stands until it expires: who has a pod's key could otherwise hide the role that the pod
 * holds. What another replica has issued since is in that replica's answer.
 */
function isNews(before: HoldingRecord | undefined, { role }: ReportedHolding, now: number): boolean {
  if (before === undefined || before.source === "reported") return true;
  return role !== undefined && (before.expiry ?? 0) <= now;
}

function toRecord({ role, remainingMs, code }: ReportedHolding, now: number): HoldingRecord {
  return {
    ...(role !== undefined && { role, expiry: now + remainingMs }),
    ...(code !== undefined && isErrorCode(code) && { code }),
    since: now,
    observedAt: now,
    source: "reported",
  };
}

function toHolding(container: string, record: HoldingRecord): ContainerHolding {
  const { role, expiry, renewedAt, code, since, observedAt, source } = record;
  return {
    container,
    ...(role !== undefined && { role }),
    ...(expiry !== undefined && { expiresAt: formatTimestamp(expiry) }),
    ...(renewedAt !== undefined && { renewedAt: formatTimestamp(renewedAt) }),
    ...(code !== undefined && { code }),
    since: formatTimestamp(since),
    observedAt: formatTimestamp(observedAt),
    source,
  };
}

function formatTimestamp(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
