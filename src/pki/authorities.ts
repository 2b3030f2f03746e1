// podrole's CA over time, as a pure state machine: nothing here reads a clock or writes a Secret.
//   next      in every bundle, does not sign: a pod must have received a CA before it meets certificates of that CA
//   current   in every bundle, signs
//   previous  in every bundle until its last leaf has expired; its key is deleted
// How long a CA is still needed follows from the longest lifetime that servers have issued with it, which they record
// in its slot before they sign; a setting of today says nothing about certificates of yesterday. planRotation() moves a
// CA on by the clock (next → current → previous → removed), rotateSlots() by an operator's command.
import { HOUR_MS } from "../runtime/clock.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import { joinBundle, notAfterOf, notBeforeOf } from "./bundle.ts";
import { createAuthority } from "./certificate.ts";
import type { Authorities, PreviousSlot, Slot } from "./slots.ts";

export { type Authorities, decodeAuthorities, encodeAuthorities } from "./slots.ts";

/** How podrole creates and rotates its CA. */
export interface RotationOptions {
  /** Name of a CA that is created here; its creation date is appended. */
  readonly commonName: string;
  /** Lifetime of a CA that is created here, in milliseconds. */
  readonly lifetimeMs: number;
  /**
   * Lifetime of the certificates that the server issues from now on, in milliseconds. At most a sixth of `lifetimeMs`;
   * otherwise leaf certificates are cut off at the CA's expiry.
   */
  readonly leafLifetimeMs: number;
  /**
   * How long a CA is in every bundle before it signs, in milliseconds; default: the longest lifetime issued. Within the
   * lifetime of one leaf every sidecar renews, and the reply carries the bundle. At most a third of `lifetimeMs`;
   * otherwise the next CA would be ready too late.
   */
  readonly publishMs?: number;
}

/** The next state of the slots. */
export interface RotationPlan {
  readonly authorities: Authorities;
  readonly hasChanged: boolean;
  /** What changed and why, for the log; empty if nothing changed. */
  readonly reason: string;
}

/**
 * A change takes effect this much later, in milliseconds: replicas read the Secret once a minute and use what they read
 * last, and their clocks differ a little.
 */
const ROTATION_SETTLE_MS = 10 * 60_000;

/** Plans one step. The caller stores the result and calls again until nothing changes. `now` is Unix milliseconds. */
export function planRotation(stored: Authorities | undefined, now: number, options: RotationOptions): RotationPlan {
  const changed = (authorities: Authorities, reason: string) => ({ authorities, hasChanged: true, reason });
  const first = () => ({
    current: { ...newSlot(now, options), longestLeafMs: options.leafLifetimeMs },
    next: undefined,
    previous: undefined,
  });
  if (stored === undefined) return changed(first(), "there was no CA; created one");
  const { current, next, previous } = stored;
  const { notAfter, lifetimeMs } = validityOf(current);
  if (notAfter <= now && (!next || validityOf(next).notAfter <= now)) {
    return changed(first(), "the CA has expired and there is no valid next one; created a new one");
  }
  if ((current.longestLeafMs ?? 0) < options.leafLifetimeMs) {
    return changed(
      { ...stored, current: { ...current, longestLeafMs: options.leafLifetimeMs } },
      "recorded the lifetime of the certificates that the CA signs",
    );
  }
  if (previous && retirableAt(previous, options) <= now) {
    return changed(
      { ...stored, previous: undefined },
      "the last certificate of the previous CA has expired; removed it",
    );
  }
  if (next && notAfter - now < lifetimeMs / 6 && refuseActivation(stored, now, options) === undefined) {
    return changed(
      activateNext(current, next, now),
      "five sixths of the CA's lifetime have passed; the next one signs",
    );
  }
  if (!next && notAfter - now <= lifetimeMs / 2) {
    return changed(
      { ...stored, next: newSlot(now, options) },
      "half of the CA's lifetime has passed; published the next one",
    );
  }
  return { authorities: stored, hasChanged: false, reason: "" };
}

/** Commands of `podrole rotate`: create a next CA, let it sign, remove the previous one. */
export type RotationVerb = "prepare" | "activate" | "retire";

/** Options of an operator's command. */
export interface RotationStepOptions extends RotationOptions {
  /**
   * Also takes steps that are too early: replaces a next CA, signs with one that pods may not have received, removes
   * one whose leaves are valid. Steps without any effect are still refused.
   */
  readonly force?: boolean;
}

/**
 * Applies an operator's command to the slots. Returns the new slots; the problem is that it is too early for the
 * command, or that the command would have no effect. `now` is Unix milliseconds.
 */
export function rotateSlots(
  verb: RotationVerb,
  stored: Authorities,
  now: number,
  options: RotationStepOptions,
): Result<Authorities> {
  const { current, next, previous } = stored;
  const { force = false } = options;
  switch (verb) {
    case "prepare":
      if (next && !force) return failure("there is already a next CA");
      return success({ ...stored, next: newSlot(now, options) });
    case "activate": {
      if (!next) return failure("there is no next CA: prepare one first");
      if (validityOf(next).notAfter <= now) return failure("the next CA has expired: prepare another one");
      const early = force ? undefined : refuseActivation(stored, now, options);
      return early === undefined ? success(activateNext(current, next, now)) : failure(early);
    }
    case "retire":
      if (!previous) return failure("there is no previous CA");
      if (!force && now < retirableAt(previous, options)) {
        const wait = formatMinutes(retirableAt(previous, options) - now);
        return failure(`certificates of the previous CA are still valid: wait ${wait}`);
      }
      return success({ ...stored, previous: undefined });
  }
}

/** A future step of the servers. */
export interface Outlook {
  /**
   * "publish": a next CA is created; "sign": the next CA starts to sign; "forget": the previous CA leaves the bundle.
   */
  readonly step: "publish" | "sign" | "forget";
  /** Unix milliseconds; a time in the past means the servers' next check. */
  readonly at: number;
}

/** Returns the steps that the servers will take by planRotation() if nothing else changes, the soonest first. */
export function rotationOutlook(
  { current, next, previous }: Authorities,
  options: RotationOptions,
): readonly Outlook[] {
  const { notAfter, lifetimeMs } = validityOf(current);
  const forget = previous ? retirableAt(previous, options) : Number.NEGATIVE_INFINITY;
  const steps: Outlook[] = previous ? [{ step: "forget", at: forget }] : [];
  if (next)
    steps.push({
      step: "sign",
      at: Math.max(notAfter - lifetimeMs / 6, publishedLongEnoughAt(next, current, options), forget),
    });
  else steps.push({ step: "publish", at: notAfter - lifetimeMs / 2 });
  return steps.toSorted((a, b) => a.at - b.at);
}

/**
 * For slots written before servers recorded lifetimes: hardly any server issued certificates that lived longer than the
 * default.
 */
const UNRECORDED_LEAF_MS = HOUR_MS;

function longestLeafMs({ longestLeafMs }: Pick<Slot, "longestLeafMs">, { leafLifetimeMs }: RotationOptions): number {
  return longestLeafMs ?? Math.max(leafLifetimeMs, UNRECORDED_LEAF_MS);
}

/** Returns the time from which the next CA can sign because every pod has received it. Unix milliseconds. */
function publishedLongEnoughAt({ since }: Slot, current: Slot, options: RotationOptions): number {
  return since + ROTATION_SETTLE_MS + (options.publishMs ?? longestLeafMs(current, options));
}

/** Returns why the next CA must not sign yet. An expired CA is replaced at once: it verifies nothing any more. */
function refuseActivation({ current, next, previous }: Authorities, now: number, options: RotationOptions) {
  if (validityOf(current).notAfter <= now) return undefined;
  const publishedAt = next ? publishedLongEnoughAt(next, current, options) : Number.POSITIVE_INFINITY;
  if (now < publishedAt) {
    return `the next CA was published too recently: wait ${formatMinutes(publishedAt - now)} until every pod has received it`;
  }
  // There is only one slot for a previous CA, and leaf certificates of the CA in it are still valid.
  if (previous) return `the previous CA is not retired: wait ${formatMinutes(retirableAt(previous, options) - now)}`;
  return undefined;
}

/** Returns when nothing that the previous CA signed is valid any more. Unix milliseconds. */
function retirableAt(previous: PreviousSlot, options: RotationOptions): number {
  const { certificatePem, since } = previous;
  return Math.min(since + ROTATION_SETTLE_MS + longestLeafMs(previous, options), notAfterOf(certificatePem));
}

function activateNext(current: Slot, next: Slot, now: number): Authorities {
  const { certificatePem } = current.authority;
  const { longestLeafMs } = current;
  return { current: { ...next, since: now }, next: undefined, previous: { certificatePem, since: now, longestLeafMs } };
}

function newSlot(now: number, { commonName, lifetimeMs }: RotationOptions): Slot {
  // Each CA has a different name, so a verifier finds only one candidate issuer.
  const dated = `${commonName} ${new Date(now).toISOString().slice(0, 10)}`;
  return { authority: createAuthority({ commonName: dated, now, lifetimeMs }), since: now };
}

function validityOf({ authority }: Slot): { readonly notAfter: number; readonly lifetimeMs: number } {
  const notAfter = notAfterOf(authority.certificatePem);
  return { notAfter, lifetimeMs: notAfter - notBeforeOf(authority.certificatePem) };
}

function formatMinutes(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 60_000))} minutes`;
}

/** Returns every CA that peers must trust now, PEM. */
export function bundleOf({ current, next, previous }: Authorities): string {
  const signing = [current, next].flatMap((slot) => (slot ? [slot.authority.certificatePem] : []));
  return joinBundle(previous ? [...signing, previous.certificatePem] : signing);
}
