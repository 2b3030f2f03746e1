// Faults of the STS emulator on demand. A fault is set for a number of calls or until it is cleared. Several can be
// set; the first that matches a call applies.

/** What happens to a call instead of its normal response. */
export type Fault =
  /** HTTP 400 Throttling, "Rate exceeded". */
  | { readonly kind: "throttle" }
  /** AccessDenied for AssumeRole, whatever the trust policy allows. */
  | { readonly kind: "deny" }
  /** Delays the response by `ms`, by the emulator's clock. */
  | { readonly kind: "stall"; readonly ms: number }
  /** Resets the connection before any response. */
  | { readonly kind: "down" }
  /** ExpiredToken, as if the caller's own credentials had expired. */
  | { readonly kind: "expired" }
  /** The clock of STS is off by `ms`. */
  | { readonly kind: "skew"; readonly ms: number }
  | { readonly kind: "error"; readonly status: 500 | 503 };

interface FaultScope {
  /** Number of calls to affect; absent: all until it is cleared. */
  readonly calls?: number;
  /** Only for AssumeRole of this role. */
  readonly roleArn?: string;
}

/** The faults that are set. */
export interface StsFaults {
  set(fault: Fault, scope?: FaultScope): void;
  clear(): void;
  /** Returns the fault for this call and counts it. `roleArn` is undefined for calls without a role. */
  take(roleArn: string | undefined): Fault | undefined;
}

/** Creates faults, none of them set. */
export function createStsFaults(): StsFaults {
  let standing: { readonly fault: Fault; readonly roleArn: string | undefined; left: number }[] = [];
  return {
    set(fault, { calls = Infinity, roleArn } = {}) {
      standing.push({ fault, roleArn, left: calls });
    },
    clear() {
      standing = [];
    },
    take(roleArn) {
      const met = standing.find((entry) => entry.left > 0 && (entry.roleArn ?? roleArn) === roleArn);
      if (met === undefined) return undefined;
      met.left -= 1;
      standing = standing.filter((entry) => entry.left > 0);
      return met.fault;
    },
  };
}
