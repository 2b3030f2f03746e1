// Begins the work on calls in turns: namespaces take turns, and within a namespace its pods. A call for 128 containers
// takes tens of milliseconds of CPU, and Node serves first come, first served: without turns, a pod that makes many
// such calls at once keeps all other pods waiting behind them. The event loop runs between two turns, so ports and
// probes are served too.
// States of a call: waiting → begun, in its turn; or refused, when too many wait and it is the newest of the pod with
// most.
import { overloadedError } from "../../protocol/calls-in-flight.ts";
import { createFairQueue, type PodKey } from "../turns/fair-queue.ts";
import type { CredentialIssuer } from "./issue-credentials.ts";

interface WaitingCall extends PodKey {
  readonly begin: () => void;
  readonly refuse: () => void;
}

/**
 * Puts turns in front of `issuer`. `nextTurn` runs a function once the event loop has served everything else:
 * setImmediate.
 */
export function issueInTurns(
  issuer: CredentialIssuer,
  { nextTurn, maxWaiting }: { readonly nextTurn: (run: () => void) => void; readonly maxWaiting: number },
): CredentialIssuer {
  const queue = createFairQueue<WaitingCall>(maxWaiting);

  function serve(): void {
    queue.take()?.begin();
    if (queue.size > 0) nextTurn(serve);
  }

  function waitForTurn({ namespace, uid }: PodKey): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const refuse = () => reject(overloadedError("Cannot issue credentials: too many calls wait; expected fewer"));
    if (queue.size === 0) nextTurn(serve);
    queue.push({ namespace, uid, begin: resolve, refuse })?.refuse();
    return promise;
  }

  return {
    ...issuer,
    async issue(identity, ...request) {
      await waitForTurn(identity);
      return issuer.issue(identity, ...request);
    },
  };
}
