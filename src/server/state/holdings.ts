// What each pod's containers hold, as far as this replica knows since its start: what it issued or refused itself, and
// what sidecars report with their calls. Shown to operators; nothing is decided from it, so a pod that reports wrong
// values is wrong about itself alone. Contains no secret.
// States of a pod: unknown (no entry) → known, with its first result or report → forgotten: by sweep(), once the pod is
// gone; or when there are too many containers and it is the pod that has been silent for longest.
import { MAX_WATCH_LAG_MS } from "../../kubernetes/reflector.ts";
import { MAX_CONTAINERS_WITH_ROLE } from "../../policy/containers.ts";
import { ERRORS, type ErrorInfo, isErrorCode } from "../../protocol/errors.ts";
import type { ContainerHolding } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ReportedHolding, ResultObserver } from "../issue/result-observer.ts";

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

/** About 250 bytes each, 12 MiB; enough for 20 000 pods with two roles each. */
const MAX_HELD_CONTAINERS = 40_000;

/** Creates an empty record. */
export function createPodHoldings(
  { clock }: { readonly clock: Pick<Clock, "now"> },
  { capacity = MAX_HELD_CONTAINERS }: { readonly capacity?: number } = {},
): PodHoldings {
  // A Map iterates in the order of insertion, so the first pod is the one that has been silent for longest.
  const pods = new Map<string, Map<string, HoldingRecord>>();
  let size = 0;
  /** What all pods were compared with last, and the pods that may have to go all the same. */
  let comparedWith: unknown;
  const unsettled = new Set<string>();

  function remove(uid: string): void {
    size -= pods.get(uid)?.size ?? 0;
    pods.delete(uid);
    unsettled.delete(uid);
  }

  function put(uid: string, container: string, change: (before: HoldingRecord | undefined) => HoldingRecord): void {
    const containers = pods.get(uid) ?? new Map<string, HoldingRecord>();
    const before = containers.get(container);
    const after = change(before);
    if (before === undefined && containers.size >= MAX_CONTAINERS_WITH_ROLE && !makeRoom(containers, after)) return;
    const isSame = before !== undefined && before.role === after.role && before.code === after.code;
    containers.set(container, isSame ? { ...after, since: before.since } : after);
    if (before === undefined) size += 1;
    pods.delete(uid);
    pods.set(uid, containers);
    unsettled.add(uid);
    for (const oldest of pods.keys()) {
      if (size <= capacity || oldest === uid) break;
      remove(oldest);
    }
  }

  /** Names that a pod reports may be invented; what the server issued to a container takes the place of one. */
  function makeRoom(containers: Map<string, HoldingRecord>, { source }: HoldingRecord): boolean {
    const reported = [...containers].find((entry) => entry[1].source === "reported");
    if (source === "reported" || reported === undefined) return false;
    size -= 1;
    return containers.delete(reported[0]);
  }

  function refuse(uid: string, container: string, code: ErrorInfo["code"]): void {
    const now = clock.now();
    put(uid, container, (before) => {
      const { expiry, renewedAt, ...kept } = before ?? {};
      // The sidecar revokes credentials by the same column of the table.
      const isKept = ERRORS[code].keep && expiry !== undefined && expiry > now;
      const session = isKept ? { expiry, ...(renewedAt !== undefined && { renewedAt }) } : {};
      return { ...kept, ...session, code, since: now, observedAt: now, source: "issued" };
    });
  }

  return {
    issued({ uid }, container, { role, remainingMs }) {
      const now = clock.now();
      const expiry = now + remainingMs;
      put(uid, container, () => {
        return { role, expiry, renewedAt: now, since: now, observedAt: now, source: "issued" };
      });
    },
    refused({ uid }, container, { code }) {
      if (container !== undefined) return refuse(uid, container, code);
      for (const name of [...(pods.get(uid)?.keys() ?? [])]) refuse(uid, name, code);
    },
    // No container of the pod.
    refusedUnknown() {},
    requested() {},
    hasHeld: (uid, container) => pods.get(uid)?.get(container)?.role !== undefined,
    reported({ uid }, holdings) {
      const now = clock.now();
      for (const holding of holdings) {
        if (isNews(pods.get(uid)?.get(holding.container), holding, now)) {
          put(uid, holding.container, () => toRecord(holding, now));
        }
      }
    },
    of(uid) {
      const containers = pods.get(uid);
      return containers && [...containers].map(([container, record]) => toHolding(container, record));
    },
    sweep(living) {
      const now = clock.now();
      for (const uid of living === comparedWith ? [...unsettled] : [...pods.keys()]) {
        const records = [...(pods.get(uid)?.values() ?? [])];
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
