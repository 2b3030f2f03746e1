// Answers of which the signer does not know whether the API server has stored them, because the response to the PATCH
// was lost (a timeout, a reset, a status of the 500s). Each stored answer has its audit line, so the signer looks at
// the request until it knows.
// States of an answer: unconfirmed (add()) → stored, if the request's status is this answer: its line is written;
// → not stored, if the request has another answer, or none 5 minutes later: no line; → unknown, if the request is gone,
// or at end(): its line is written, and says so. Looks begin after 1 s, doubling to 30 s. Nothing is dropped: while
// isFull(), the signer answers no further request.
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { PodCertificateStatus } from "../../kubernetes/objects.ts";
import type { AnswerEvidence } from "../../runtime/audit-line.ts";
import { backoff, type Clock, MINUTE_MS, SECOND_MS } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, untilDueMs } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { isAnswered } from "./decide-request.ts";
import type { RequestPlace } from "./sign-request.ts";

/** An answer that may have been stored. */
export interface UnconfirmedAnswer {
  readonly place: RequestPlace;
  readonly status: PodCertificateStatus;
  /** Writes the audit line; must not throw. */
  readonly record: (evidence: AnswerEvidence) => void;
}

/** The answers that are looked for. */
export interface UnconfirmedAnswers {
  add(answer: UnconfirmedAnswer): void;
  /** True if no further answer can be remembered. */
  isFull(): boolean;
  /** Looks at the requests that are due; returns the milliseconds until it must be called again. */
  pass(): Promise<number>;
  /** Writes the lines of all answers that are still unconfirmed. */
  end(): void;
}

/** With their certificates, about 3 MiB. */
const MAX_UNCONFIRMED_ANSWERS = 1_000;
/** The API server ends a request after a minute, so that no later PATCH is stored. */
const STORE_LIMIT_MS = 5 * MINUTE_MS;
const LOOK_RETRY_MS = { base: SECOND_MS, cap: 30 * SECOND_MS };

interface UnconfirmedEntry {
  readonly answer: UnconfirmedAnswer;
  readonly storedBy: DueTime;
  lookAt: DueTime;
  looks: number;
}

/** Creates an empty list. It has no timer. */
export function createUnconfirmedAnswers({
  clock,
  log,
  kubernetes,
}: {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: Pick<Kubernetes, "getPodCertificateRequest">;
}): UnconfirmedAnswers {
  const entries = new Set<UnconfirmedEntry>();

  /** Returns what the request says about the answer; undefined if it has to be looked at again. */
  async function look({ answer, storedBy }: UnconfirmedEntry): Promise<AnswerEvidence | "not-stored" | undefined> {
    const { namespace, name, uid } = answer.place;
    const wasLate = isDue(clock, storedBy);
    const request = await kubernetes.getPodCertificateRequest(namespace, name);
    if (request?.metadata.uid !== uid) return "signed";
    if (isAnswered(request)) return isStoredAnswer(answer.status, request.status ?? {}) ? "status" : "not-stored";
    return wasLate ? "not-stored" : undefined;
  }

  async function lookOnce(entry: UnconfirmedEntry): Promise<void> {
    const found = await look(entry).catch((error: unknown) => {
      log.debug({ err: error, ...entry.answer.place }, "could not look whether an answer was stored");
      return undefined;
    });
    // end() may have written its line meanwhile.
    if (found !== undefined && entries.delete(entry) && found !== "not-stored") entry.answer.record(found);
    entry.lookAt = dueAfter(clock, backoff(entry.looks, LOOK_RETRY_MS.base, LOOK_RETRY_MS.cap));
    entry.looks += 1;
  }

  return {
    add(answer) {
      const { base } = LOOK_RETRY_MS;
      entries.add({ answer, storedBy: dueAfter(clock, STORE_LIMIT_MS), lookAt: dueAfter(clock, base), looks: 1 });
    },
    isFull: () => entries.size >= MAX_UNCONFIRMED_ANSWERS,
    async pass() {
      for (const entry of Array.from(entries)) if (isDue(clock, entry.lookAt)) await lookOnce(entry);
      return Math.min(
        LOOK_RETRY_MS.cap,
        ...Array.from(entries, ({ lookAt }) => Math.max(0, untilDueMs(clock, lookAt))),
      );
    },
    end() {
      for (const { answer } of entries) answer.record("signed");
      entries.clear();
    },
  };
}

/**
 * A certificate names its own issue. Of a denial only the texts and the second are compared: another replica's denial
 * in the same second counts as this one.
 */
function isStoredAnswer(expected: PodCertificateStatus, stored: PodCertificateStatus): boolean {
  if (expected.certificateChain !== undefined) return expected.certificateChain === stored.certificateChain;
  const [own] = expected.conditions ?? [];
  const [found] = stored.conditions ?? [];
  const isSameText = own?.type === found?.type && own?.message === found?.message;
  return isSameText && own?.lastTransitionTime === found?.lastTransitionTime;
}
