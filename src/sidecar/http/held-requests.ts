// Requests that found no credentials. Each waits up to `holdMs` for the running renewal, because an immediate 503
// exhausts the retries of some SDKs in 0.15 s.
// States of a request: held → answered, or dropped when the caller disconnects. Answered when a renewal brings
// credentials or a permanent refusal, at the time limit, or when releaseAll() ends the endpoint.
import type { ServerResponse } from "node:http";
import { ERRORS, type ErrorInfo } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CredentialStore } from "../credential-store.ts";
import { isPermanent } from "../renewal/outcome.ts";
import type { Renewals } from "../renewal/renewals.ts";
import { type CodedReply, type Lookup, refusalReply } from "./replies.ts";

/** What held requests wait for. */
export interface HeldRequestsDeps {
  readonly clock: Clock;
  readonly store: Pick<CredentialStore, "refusal">;
  readonly renewals: Pick<Renewals, "renewNow" | "failure" | "nextInMs" | "onEnd">;
  readonly send: (response: ServerResponse, reply: CodedReply) => void;
}

/** `holdMs`: milliseconds that a request may wait. */
export interface HeldRequestsOptions {
  readonly containers: readonly string[];
  readonly holdMs: number;
}

/** The requests that wait for credentials. */
export interface HeldRequests {
  /** Requests a renewal, and answers a container's request at once if its refusal is permanent, otherwise later. */
  hold(index: number, response: ServerResponse, lookup: Lookup): void;
  /** Answers every held request now. */
  releaseAll(): void;
}

/**
 * Retry-After in seconds: JavaScript v2 and Go v1 wait as long as it says, and more would outlast the renewal by far.
 */
const MIN_RETRY_AFTER_SECONDS = 1;
const MAX_RETRY_AFTER_SECONDS = 10;

/** Creates the set of held requests, empty. */
export function createHeldRequests(
  { clock, store, renewals, send }: HeldRequestsDeps,
  { containers, holdMs }: HeldRequestsOptions,
): HeldRequests {
  const held = new Set<() => void>();

  function wait(index: number, response: ServerResponse, lookup: Lookup): void {
    function finish(): void {
      cancel();
      unsubscribe();
      held.delete(finish);
      response.off("close", finish);
      if (response.destroyed) return;
      const refusal = reasonFor(index);
      send(response, lookup() ?? { reply: refusalReply(refusal, retryAfter(refusal)), code: refusal.code });
    }
    const cancel = clock.schedule(finish, holdMs);
    const unsubscribe = renewals.onEnd(() => {
      if (lookup() || isPermanent(reasonFor(index))) finish();
      else renewals.renewNow();
    });
    held.add(finish);
    response.once("close", finish);
  }

  /**
   * The container's permanent refusal takes precedence, then the reason why the pod got no answer, then a retryable
   * one.
   */
  function reasonFor(index: number): ErrorInfo {
    const refusal = store.refusal(index);
    if (refusal && isPermanent(refusal)) return refusal;
    return renewals.failure() ?? refusal ?? notReady(containers[index]);
  }

  function retryAfter({ code }: ErrorInfo): readonly string[] {
    if (ERRORS[code].http !== 503) return [];
    const seconds = Math.min(
      Math.max(Math.ceil(renewals.nextInMs() / 1000), MIN_RETRY_AFTER_SECONDS),
      MAX_RETRY_AFTER_SECONDS,
    );
    return ["Retry-After", String(seconds)];
  }

  return {
    hold(index, response, lookup) {
      const refusal = reasonFor(index);
      renewals.renewNow();
      if (isPermanent(refusal)) send(response, { reply: refusalReply(refusal), code: refusal.code });
      else wait(index, response, lookup);
    },
    releaseAll() {
      for (const finish of held) finish();
    },
  };
}

function notReady(container: string | undefined): ErrorInfo {
  const message = `Cannot return credentials for container "${container}": they are still being fetched`;
  return { code: "NOT_READY", message };
}
