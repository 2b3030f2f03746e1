// Counts the calls to STS since the server's start, by result, those of the last hour by minute, and the calls that the
// limiter refused. The counts are shown to operators beside the metrics; they live as long as the process.
import { toPodroleError } from "../../protocol/errors.ts";
import type { StsMinute } from "../../protocol/state/model.ts";
import { type Clock, MINUTE_MS } from "../../runtime/clock.ts";
import type { AssumeRole } from "./sts.ts";

/** The counts so far. */
export interface StsCounts {
  /** "OK" or an error code → calls. */
  readonly results: Readonly<Record<string, number>>;
  readonly heldBack: { readonly rate: number; readonly pause: number };
  /** Minutes of the last hour with calls, the oldest first. */
  readonly minutes: readonly StsMinute[];
}

export interface StsTally {
  /** Counts the calls that pass through. */
  counted(assumeRole: AssumeRole): AssumeRole;
  /** Counts a call that the limiter refused. */
  heldBack(reason: "rate" | "pause"): void;
  counts(): StsCounts;
}

/** Minutes that are remembered. */
const TALLY_MINUTES = 60;

/** Creates a tally of zeros. */
export function createStsTally({ clock }: { readonly clock: Clock }): StsTally {
  const results = new Map<string, number>();
  const heldBack = { rate: 0, pause: 0 };
  /** By minutes since 1970. */
  const minutes = new Map<number, { ok: number; failed: number }>();
  const minuteOfNow = () => Math.floor(clock.now() / MINUTE_MS);

  function add(code: string): void {
    results.set(code, (results.get(code) ?? 0) + 1);
    const minute = minuteOfNow();
    const counts = minutes.get(minute) ?? { ok: 0, failed: 0 };
    counts[code === "OK" ? "ok" : "failed"] += 1;
    minutes.set(minute, counts);
    // Also those after now: the clock may have been set back.
    for (const each of minutes.keys()) if (Math.abs(each - minute) >= TALLY_MINUTES) minutes.delete(each);
  }

  function lastHour(): readonly StsMinute[] {
    const now = minuteOfNow();
    return [...minutes]
      .filter(([minute]) => minute <= now && now - minute < TALLY_MINUTES)
      .toSorted(([a], [b]) => a - b)
      .map(([minute, { ok, failed }]) => ({ at: new Date(minute * MINUTE_MS).toISOString(), ok, failed }));
  }
  return {
    counted(assumeRole) {
      return async (input) => {
        try {
          const session = await assumeRole(input);
          add("OK");
          return session;
        } catch (error) {
          add(toPodroleError(error).code);
          throw error;
        }
      };
    },
    heldBack(reason) {
      heldBack[reason] += 1;
    },
    counts: () => ({ results: Object.fromEntries(results), heldBack: { ...heldBack }, minutes: lastHour() }),
  };
}
