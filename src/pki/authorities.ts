// podrole's CA over time, as a pure state machine: nothing here reads a clock or writes a Secret.
//   next      in every bundle, does not sign: no pod is to meet a CA that it has not heard of
//   current   in every bundle, signs
//   previous  in every bundle until its last leaf has expired; its key is gone
// Who moves a CA on (next → current → previous → forgotten): planRotation() by the clock, rotate() by a verb.
import { joinBundle, notAfterOf, notBeforeOf } from "./bundle.ts";
import { createAuthority } from "./certificate.ts";
import type { Authorities, PreviousSlot, Slot } from "./slots.ts";

export { type Authorities, decodeAuthorities, encodeAuthorities } from "./slots.ts";

export interface RotationOptions {
  /** Name of a CA that is made here; its day of birth is added. */
  readonly commonName: string;
  /** Life of a CA that is made here. */
  readonly lifetimeMs: number;
  /** Longest life of a certificate that the CA signs. At most a sixth of `lifetimeMs`, or leaves are cut short. */
  readonly leafLifetimeMs: number;
  /**
   * How long a CA is in every bundle before it signs, `leafLifetimeMs` unless given: within one leaf's life every
   * sidecar renews, and gets the bundle with the reply. At most a third of `lifetimeMs`, or it comes too late.
   */
  readonly publishMs?: number;
}

export interface RotationPlan {
  readonly authorities: Authorities;
  readonly changed: boolean;
  /** What changed and why, for the log; empty when nothing did. */
  readonly reason: string;
}

/**
 * A change counts from this much later: replicas look at the Secret each minute and go on with what they read last, and
 * their clocks differ a little.
 */
const SETTLE_MS = 10 * 60_000;

/** One step at a time; the caller stores it and asks again until nothing changes. */
export function planRotation(held: Authorities | undefined, now: number, options: RotationOptions): RotationPlan {
  const changed = (authorities: Authorities, reason: string) => ({ authorities, changed: true, reason });
  const first = () => ({ current: newSlot(now, options), next: undefined, previous: undefined });
  if (held === undefined) return changed(first(), "there was no CA: one is made");
  const { current, next, previous } = held;
  const { notAfter, life } = validityOf(current);
  if (notAfter <= now && (!next || validityOf(next).notAfter <= now)) {
    return changed(first(), "the CA has expired, and there is no valid next one: a new one is made");
  }
  if (previous && retirableAt(previous, options) <= now) {
    return changed(
      { ...held, previous: undefined },
      "the last certificate of the previous CA has expired: it is forgotten",
    );
  }
  if (next && notAfter - now < life / 6 && refuseActivation(held, now, options) === undefined) {
    return changed(activated(current, next, now), "five sixths of the CA's life have passed: the next one signs");
  }
  if (!next && notAfter - now <= life / 2) {
    return changed(
      { ...held, next: newSlot(now, options) },
      "half of the CA's life has passed: the next one is published",
    );
  }
  return { authorities: held, changed: false, reason: "" };
}

export type RotationVerb = "prepare" | "activate" | "retire";

export interface RotateOptions extends RotationOptions {
  /**
   * Do what is too early as well: replace a next CA, sign with one that pods may not know, forget one whose leaves are
   * valid. What is pointless stays refused.
   */
  readonly force?: boolean;
}

/** What an operator's verb makes of the slots, or the words why it is too early (or pointless) for it. */
export function rotate(
  verb: RotationVerb,
  held: Authorities,
  now: number,
  options: RotateOptions,
): Authorities | string {
  const { current, next, previous } = held;
  const { force = false } = options;
  switch (verb) {
    case "prepare":
      return next && !force ? "a next CA is prepared already" : { ...held, next: newSlot(now, options) };
    case "activate":
      if (!next) return "there is no next CA: prepare one first";
      if (validityOf(next).notAfter <= now) return "the next CA has expired: prepare another";
      return (force ? undefined : refuseActivation(held, now, options)) ?? activated(current, next, now);
    case "retire":
      if (!previous) return "there is no previous CA";
      if (!force && now < retirableAt(previous, options)) {
        return `certificates of the previous CA are still valid: wait ${minutes(retirableAt(previous, options) - now)}`;
      }
      return { ...held, previous: undefined };
  }
}

export interface Outlook {
  /** "publish": a next CA is made; "sign": the next one takes over; "forget": the previous one leaves the bundle. */
  readonly step: "publish" | "sign" | "forget";
  /** Unix milliseconds; what is in the past happens at the servers' next look. */
  readonly at: number;
}

/** What the servers do by themselves, and when: planRotation()'s steps as they stand now, the soonest first. */
export function outlook({ current, next, previous }: Authorities, options: RotationOptions): readonly Outlook[] {
  const { notAfter, life } = validityOf(current);
  const forget = previous ? retirableAt(previous, options) : Number.NEGATIVE_INFINITY;
  const steps: Outlook[] = previous ? [{ step: "forget", at: forget }] : [];
  if (next)
    steps.push({ step: "sign", at: Math.max(notAfter - life / 6, publishedLongEnoughAt(next, options), forget) });
  else steps.push({ step: "publish", at: notAfter - life / 2 });
  return steps.toSorted((a, b) => a.at - b.at);
}

/** From when on the next CA may sign without leaving a pod behind that has not heard of it. Unix milliseconds. */
export function publishedLongEnoughAt({ since }: Slot, { publishMs, leafLifetimeMs }: RotationOptions): number {
  return since + SETTLE_MS + (publishMs ?? leafLifetimeMs);
}

/** Why the next CA must not sign yet. Only an expired CA gives way at once: it verifies nothing any more. */
function refuseActivation({ current, next, previous }: Authorities, now: number, options: RotationOptions) {
  if (validityOf(current).notAfter <= now) return undefined;
  const publishedAt = next ? publishedLongEnoughAt(next, options) : Number.POSITIVE_INFINITY;
  if (now < publishedAt) {
    return `the next CA was published too recently: wait ${minutes(publishedAt - now)} until every pod has heard of it`;
  }
  // There is one slot for it, and its leaves still need it.
  if (previous) return `the previous CA is not retired: wait ${minutes(retirableAt(previous, options) - now)}`;
  return undefined;
}

/** When nothing that the previous CA signed is valid any more. */
function retirableAt({ certificatePem, since }: PreviousSlot, { leafLifetimeMs }: RotationOptions): number {
  return Math.min(since + SETTLE_MS + leafLifetimeMs, notAfterOf(certificatePem));
}

function activated(current: Slot, next: Slot, now: number): Authorities {
  const { certificatePem } = current.authority;
  return { current: { ...next, since: now }, next: undefined, previous: { certificatePem, since: now } };
}

function newSlot(now: number, { commonName, lifetimeMs }: RotationOptions): Slot {
  // Names that differ leave a verifier one path to try.
  const dated = `${commonName} ${new Date(now).toISOString().slice(0, 10)}`;
  return { authority: createAuthority({ commonName: dated, now, lifetimeMs }), since: now };
}

function validityOf({ authority }: Slot): { readonly notAfter: number; readonly life: number } {
  const notAfter = notAfterOf(authority.certificatePem);
  return { notAfter, life: notAfter - notBeforeOf(authority.certificatePem) };
}

function minutes(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 60_000))} minutes`;
}

/** Everything that is to be believed now, PEM. */
export function bundleOf({ current, next, previous }: Authorities): string {
  const signing = [current, next].flatMap((slot) => (slot ? [slot.authority.certificatePem] : []));
  return joinBundle(previous ? [...signing, previous.certificatePem] : signing);
}
