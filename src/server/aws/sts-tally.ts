// Counts the calls to STS since the server's start, by result, and the calls that the limiter refused. The counts are
// shown to operators beside the metrics; they live as long as the process.
import { toPodroleError } from "../../protocol/errors.ts";
import type { AssumeRole } from "./sts.ts";

/** The counts so far. */
export interface StsCounts {
  /** "OK" or an error code → calls. */
  readonly results: Readonly<Record<string, number>>;
  readonly heldBack: { readonly rate: number; readonly pause: number };
}

export interface StsTally {
  /** Counts the calls that pass through. */
  counted(assumeRole: AssumeRole): AssumeRole;
  /** Counts a call that the limiter refused. */
  heldBack(reason: "rate" | "pause"): void;
  counts(): StsCounts;
}

/** Creates a tally of zeros. */
export function createStsTally(): StsTally {
  const results = new Map<string, number>();
  const heldBack = { rate: 0, pause: 0 };
  const add = (code: string) => results.set(code, (results.get(code) ?? 0) + 1);
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
    counts: () => ({ results: Object.fromEntries(results), heldBack: { ...heldBack } }),
  };
}
