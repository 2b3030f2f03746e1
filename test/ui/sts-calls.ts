// The use of STS that belongs to the pods and refusals of a small cluster: a call for each renewal, one for each run of
// a CronJob, and one for each refusal that STS answered. So the pages agree with each other.
import type { PodRow, RefusedRow } from "../../src/operations/status/model.ts";
import type { StsState } from "../../src/protocol/state/model.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WINDOW_SECONDS = 120;

interface StsCall {
  readonly at: number;
  readonly namespace: string;
  /** OK, or the code of its failure. */
  readonly code: string;
}

/** What the counts are made from. */
export interface StsCluster {
  readonly pods: readonly PodRow[];
  readonly refusals: readonly RefusedRow[];
  /** Namespace of a CronJob whose pods run for seconds, and are gone. */
  readonly cronNamespace: string;
  readonly cronMinutes: number;
  /** Refusals that podrole's server decided without a call, because STS had throttled earlier ones. */
  readonly heldBack: number;
  /** Calls before the last hour, by result. */
  readonly earlier: Readonly<Record<string, number>>;
}

/** Returns the use of STS at `now` (Unix milliseconds). */
export function stsOfCluster(cluster: StsCluster, now: number): StsState {
  const calls = callsOfLastHour(cluster, now);
  const results: Record<string, number> = { ...cluster.earlier };
  for (const { code } of calls) results[code] = (results[code] ?? 0) + 1;
  const recent = calls.filter(({ at }) => now - at <= WINDOW_SECONDS * 1_000);
  const byNamespace = Map.groupBy(recent, ({ namespace }) => namespace);
  return {
    results,
    waiting: cluster.pods.filter(({ phase }) => phase === "starting").length,
    heldBack: { rate: 0, pause: cluster.heldBack },
    windowSeconds: WINDOW_SECONDS,
    namespaces: [...byNamespace]
      .map(([namespace, { length }]) => ({ namespace, calls: length, share: length / recent.length }))
      .toSorted((a, b) => b.calls - a.calls || (a.namespace < b.namespace ? -1 : 1)),
    minutes: [...Map.groupBy(calls, ({ at }) => Math.floor(at / MINUTE) * MINUTE)]
      .toSorted(([a], [b]) => a - b)
      .map(([minute, all]) => {
        const failed = all.filter(({ code }) => code !== "OK").length;
        return { at: new Date(minute).toISOString(), ok: all.length - failed, failed };
      }),
  };
}

function callsOfLastHour({ pods, refusals, cronNamespace, cronMinutes, heldBack }: StsCluster, now: number) {
  const renewals = pods.flatMap(({ renewed, expires, namespace, created = "" }): readonly StsCall[] => {
    if (renewed === undefined || expires === undefined) return [];
    const [last, half] = [Date.parse(renewed), (Date.parse(expires) - Date.parse(renewed)) / 2];
    // Before the last one came one after each half of a lifetime, back to the first of the pod.
    const times = [last, last - half, last - 2 * half].filter((at) => at >= Date.parse(created));
    return times.map((at) => ({ at, namespace, code: "OK" }));
  });
  const runs = Array.from({ length: HOUR / MINUTE / cronMinutes }, (_, index): StsCall => {
    return { at: now - (index * cronMinutes + 0.5) * MINUTE, namespace: cronNamespace, code: "OK" };
  });
  const failures = refusals
    .filter(({ from, code }) => from === "server" && code.startsWith("STS_"))
    .flatMap(({ since, time, count, namespace, code }): readonly StsCall[] => {
      const [first, last] = [Date.parse(since ?? time), Date.parse(time)];
      const made = code === "STS_THROTTLED" ? count - heldBack : count;
      const step = (last - first) / Math.max(1, made - 1);
      return Array.from({ length: made }, (_, index) => ({ at: first + index * step, namespace, code }));
    });
  return [...renewals, ...runs, ...failures].filter(({ at }) => now - at < HOUR && at <= now);
}
