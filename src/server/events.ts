// Tells people at the pod: half of the AWS SDKs never show why they got no credentials, `kubectl describe pod` does.
// The same reason for the same pod is told once in ten minutes, so that a retrying SDK cannot fill etcd. Who ends the
// memory: each telling forgets what is older than that.
import type { Kubernetes } from "../kubernetes/api.ts";
import type { PodIdentity } from "../pki/identity.ts";
import { ERRORS, type Refusal } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

const QUIET_MS = 10 * 60_000;

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
  const told = new Map<string, number>();

  function isNews(key: string): boolean {
    const now = clock.now();
    for (const [earlier, at] of told) {
      if (now - at < QUIET_MS) break;
      told.delete(earlier);
    }
    if (told.has(key)) return false;
    told.set(key, now);
    return true;
  }

  return ({ namespace, pod, uid }, refusal) => {
    if (ERRORS[refusal.code].retry && refusal.code !== "STS_UNAVAILABLE") return;
    if (!isNews(`${uid} ${refusal.code} ${refusal.message}`)) return;
    const event = { namespace, pod: { name: pod, uid }, type: "Warning", reason: refusal.code } as const;
    kubernetes.recordEvent({ ...event, message: refusal.message }).then(
      () => onTold(refusal),
      (error: unknown) => log.warn({ err: error, namespace, pod, code: refusal.code }, "could not write an Event"),
    );
  };
}
