// Faults of STS.
import type { Fault } from "../../../emulators/sts/faults.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import type { FaultRow } from "../row.ts";
import { FAULT_ROLE } from "../world.ts";

const ROLE_ARN = `arn:aws:iam::123456789012:role/${FAULT_ROLE}`;
const CALLS = { from: "server", name: "podrole_sts_calls_total", moves: "rises" } as const;

/** Sets a fault of STS until the end. */
function meets(fault: Fault): FaultRow["begin"] {
  return ({ programs }) => {
    programs.cluster.sts.faults.set(fault);
    return () => programs.cluster.sts.faults.clear();
  };
}

export const AWS_ROWS: readonly FaultRow[] = [
  {
    id: "sts-down",
    title: "STS: resets every connection",
    begin: meets({ kind: "down" }),
    newcomer: "waits",
    log: { from: "sidecar", pattern: /STS_UNAVAILABLE/ },
    metric: CALLS,
    alert: "PodroleStsUnavailable",
    isShort: true,
  },
  {
    id: "sts-5xx",
    title: "STS: 503",
    begin: meets({ kind: "error", status: 503 }),
    newcomer: "waits",
    log: { from: "sidecar", pattern: /STS_UNAVAILABLE/ },
    metric: CALLS,
    alert: "PodroleStsUnavailable",
  },
  {
    id: "sts-stalls",
    title: "STS: accepts requests but answers none",
    begin: meets({ kind: "stall", ms: 60_000 }),
    newcomer: "waits",
    log: { from: "sidecar", pattern: /STS_UNAVAILABLE|DEADLINE|SERVER_UNREACHABLE/ },
    lastsMs: 12_000,
    alert: "PodroleStsUnavailable",
    isShort: true,
  },
  {
    id: "sts-throttles",
    title: "STS: Throttling for every call",
    begin: meets({ kind: "throttle" }),
    newcomer: "waits",
    log: { from: "sidecar", pattern: /STS_THROTTLED|RATE_LIMITED/ },
    metric: CALLS,
    alert: "PodroleStsThrottled",
  },
  {
    id: "sts-base-expired",
    title: "STS: ExpiredToken for every call, as if the servers' own credentials had expired",
    begin: meets({ kind: "expired" }),
    newcomer: "waits",
    log: { from: "sidecar", pattern: /STS_UNAVAILABLE/ },
    metric: CALLS,
    alert: "PodroleStsUnavailable",
  },
  {
    id: "sts-clock-ahead",
    title: "STS: its clock is 2 h ahead",
    begin: meets({ kind: "skew", ms: 2 * HOUR_MS }),
    newcomer: "served",
    lastsMs: 20_000,
  },
  {
    id: "sts-clock-back",
    title: "STS: its clock is 2 h back",
    begin: meets({ kind: "skew", ms: -2 * HOUR_MS }),
    newcomer: "served",
    lastsMs: 20_000,
  },
  {
    id: "sts-denies",
    title: "STS: AccessDenied for a role, as happens while its trust policy is wrong",
    begin: meets({ kind: "deny" }),
    newcomer: "waits",
    log: { from: "sidecar", pattern: /STS_DENIED/ },
    metric: CALLS,
    alert: "PodroleStsDenies",
  },
  {
    id: "sts-past-expiry",
    title: "STS: sessions that have expired on arrival",
    begin: ({ sts }) => {
      const before = sts.lifetimes.get(ROLE_ARN) ?? 0;
      sts.lifetimes.set(ROLE_ARN, -60_000);
      return () => void sts.lifetimes.set(ROLE_ARN, before);
    },
    newcomer: "waits",
    log: { from: "sidecar", pattern: /SESSION_EXPIRED/ },
    metric: CALLS,
    alert: "PodroleStsSessionsExpired",
  },
];
