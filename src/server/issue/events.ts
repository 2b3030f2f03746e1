// Tells people at the pod: half of the AWS SDKs never show why they got no credentials, `kubectl describe pod` does.
// The same words for the same pod are told once in ten minutes, and no more than three different ones for one reason:
// some of STS's words hold the time. All pods together are told 50 at once and then 5 a second, so that an outage cannot
// fill etcd; who is left out is told at the next refusal. Who ends the memory: each telling forgets what is older.
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { PodIdentity } from "../../pki/identity.ts";
import { ERRORS, type Refusal } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

const QUIET_MS = 10 * 60_000;
const MOST_WORDS = 3;
const BURST = 50;
const SPACING_MS = 200;

/** What was said to one pod under one code since `since`. */
interface Told {
  readonly since: number;
  readonly messages: Set<string>;
}

/** Returns `tell`: it never throws and nobody waits for it. Passing faults of podrole itself make no Event. */
export function createEventTeller({
  kubernetes,
  clock,
  log,
  onTold,
}: {
  readonly kubernetes: Pick<Kubernetes, "recordEvent">;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTold: (refusal: Refusal) => void;
}): (pod: PodIdentity, refusal: Refusal) => void {
  const told = new Map<string, Told>();
  let tokens = BURST;
  let filledAt = clock.now();

  function isNews(key: string, message: string): boolean {
    const now = clock.now();
    for (const [earlier, { since }] of told) {
      if (now - since < QUIET_MS) break;
      told.delete(earlier);
    }
    const messages = told.get(key)?.messages ?? new Set();
    if (messages.has(message) || messages.size >= MOST_WORDS || !takeToken(now)) return false;
    messages.add(message);
    if (messages.size === 1) told.set(key, { since: now, messages });
    return true;
  }

  function takeToken(now: number): boolean {
    tokens = Math.min(BURST, tokens + Math.max(0, now - filledAt) / SPACING_MS);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  return ({ namespace, pod, uid }, { code, message }) => {
    if (ERRORS[code].retry && code !== "STS_UNAVAILABLE") return;
    if (!isNews(`${uid} ${code}`, message)) return;
    const event = { namespace, pod: { name: pod, uid }, type: "Warning", reason: code } as const;
    kubernetes.recordEvent({ ...event, message }).then(
      () => onTold({ code, message }),
      (error: unknown) => log.warn({ err: error, namespace, pod, code }, "could not write an Event"),
    );
  };
}
