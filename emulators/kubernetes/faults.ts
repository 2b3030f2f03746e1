// Faults of an API server, switched on and off while it runs. Plain fields, which a test sets and reads.
import { setTimeout as delay } from "node:timers/promises";
import type { RequestInfo } from "./request-info.ts";
import { StatusError } from "./status.ts";

/** The switches of all faults. */
export interface ApiServerFaults {
  /** Closes connections without a response. */
  down: boolean;
  /** Accepts requests and never responds; open watches receive nothing more. */
  stall: boolean;
  /** Responds to every request with this code, and with "Retry-After" if it is given. */
  status: { readonly code: number; readonly retryAfterSeconds?: number } | undefined;
  /** Every list goes on for ever: its pages are empty and name a next one. */
  endlessLists: boolean;
  /** Delays every response by this many milliseconds of real time. */
  latencyMs: number;
  /**
   * How a watch learns that its version has expired: by an ERROR event, as from the real API server, or by HTTP 410.
   */
  goneAs: "event" | "status";
  /** The faults above affect only the requests for which this returns true. */
  only: (request: RequestInfo) => boolean;
  /** Ends every open watch without an event, as a load balancer does. */
  dropWatches(): void;
  /** Discards the history: every earlier watch and list continuation gets 410. */
  compact(): void;
}

/** Creates the switches, all off. */
export function createApiServerFaults(actions: Pick<ApiServerFaults, "dropWatches" | "compact">): ApiServerFaults {
  return {
    down: false,
    stall: false,
    status: undefined,
    endlessLists: false,
    latencyMs: 0,
    goneAs: "event",
    only: () => true,
    ...actions,
  };
}

/**
 * Decides what happens to a request: a response, no response, or a closed connection. Throws the status to respond
 * with.
 */
export async function meetFaults(
  faults: ApiServerFaults,
  info: RequestInfo | undefined,
): Promise<"go on" | "stall" | "hang up"> {
  if (info !== undefined && !faults.only(info)) return "go on";
  if (faults.down) return "hang up";
  if (faults.stall) return "stall";
  if (faults.latencyMs > 0) await delay(faults.latencyMs);
  if (faults.status === undefined) return "go on";
  const { code, retryAfterSeconds } = faults.status;
  throw new StatusError(code, STATUS_REASONS[code] ?? "InternalError", "the emulator simulates a failure", {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

const STATUS_REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  410: "Expired",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
  504: "Timeout",
};
