// What goes wrong on demand in the STS emulator. A fault is set for a number of calls or until it is cleared; several
// may stand at once, the first that fits a call is taken.

export type Fault =
  /** HTTP 400 Throttling, "Rate exceeded". */
  | { readonly kind: "throttle" }
  /** AccessDenied for AssumeRole, whatever the trust says. */
  | { readonly kind: "deny" }
  /** The answer comes `ms` later, by the emulator's clock. */
  | { readonly kind: "stall"; readonly ms: number }
  /** The connection is reset before any answer. */
  | { readonly kind: "down" }
  | { readonly kind: "error"; readonly status: 500 | 503 };

interface FaultScope {
  /** How many calls it meets; absent: all until it is cleared. */
  readonly calls?: number;
  /** Only AssumeRole of this role. */
  readonly roleArn?: string;
}

export interface Faults {
  set(fault: Fault, scope?: FaultScope): void;
  clear(): void;
  /** The fault that this call meets; counts it. `roleArn` is undefined for calls that name no role. */
  take(roleArn: string | undefined): Fault | undefined;
}

export function createFaults(): Faults {
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
