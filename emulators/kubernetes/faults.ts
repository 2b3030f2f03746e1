// What can go wrong with an API server, switched on and off while it runs. Plain fields: a test sets them and looks.
import { setTimeout as delay } from "node:timers/promises";
import type { RequestInfo } from "./request-info.ts";
import { StatusError } from "./status.ts";

export interface Faults {
  /** Connections are closed without an answer. */
  down: boolean;
  /** Requests are taken and never answered; watches that are open say nothing more. */
  stall: boolean;
  /** Every request is answered with this code, and "Retry-After" if it is given. */
  status: { readonly code: number; readonly retryAfterSeconds?: number } | undefined;
  /** Every answer takes this much longer, in milliseconds of real time. */
  latencyMs: number;
  /** How a watch from a version that is gone is told so: as the real one does (an ERROR event), or with HTTP 410. */
  goneAs: "event" | "status";
  /** The faults above meet these requests only. */
  only: (request: RequestInfo) => boolean;
  /** Ends every open watch without a word, as a load balancer does. */
  dropWatches(): void;
  /** Forgets the history, so that every watch and list continuation from before gets 410. */
  compact(): void;
}

export function createFaults(actions: Pick<Faults, "dropWatches" | "compact">): Faults {
  return {
    down: false,
    stall: false,
    status: undefined,
    latencyMs: 0,
    goneAs: "event",
    only: () => true,
    ...actions,
  };
}

/** What shall become of a request: an answer, nothing at all, or a closed connection. Throws the status to answer. */
export async function meetFaults(
  faults: Faults,
  info: RequestInfo | undefined,
): Promise<"go on" | "stall" | "hang up"> {
  if (info !== undefined && !faults.only(info)) return "go on";
  if (faults.down) return "hang up";
  if (faults.stall) return "stall";
  if (faults.latencyMs > 0) await delay(faults.latencyMs);
  if (faults.status === undefined) return "go on";
  const { code, retryAfterSeconds } = faults.status;
  throw new StatusError(code, REASONS[code] ?? "InternalError", "the emulator was told to fail", {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  410: "Expired",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
  504: "Timeout",
};
