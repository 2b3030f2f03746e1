// podrole's CA over time: three slots, and one pure function that says what must change now.
//   next      published in every bundle long before it signs, so that no pod meets a CA it has not heard of
//   current   signs
//   previous  does not sign any more; stays in bundles until its last leaf has expired
// Who moves a slot: planRotation() by the clock, or an operator's verb. Nothing here reads a clock or writes a Secret.
import { joinBundle } from "./bundle.ts";
import { type Authority, createAuthority, notAfterOf, notBeforeOf } from "./certificate.ts";
import { Secret } from "../runtime/secret.ts";

export interface Slot {
  readonly authority: Authority;
  /** When it came into this slot, Unix milliseconds: published since (next), signing since (current), or out since. */
  readonly since: number;
}

export interface Authorities {
  readonly current: Slot;
  readonly next: Slot | undefined;
  readonly previous: Slot | undefined;
}

export interface RotationOptions {
  readonly commonName: string;
  /** Life of a CA that is made here. */
  readonly lifetimeMs: number;
  /** Longest life of a certificate that the CA signs. */
  readonly leafLifetimeMs: number;
}

export interface RotationPlan {
  readonly authorities: Authorities;
  readonly changed: boolean;
  /** What changed and why, for the log; empty when nothing did. */
  readonly reason: string;
}

/** Sidecars hear of a new bundle when they renew, at half life of what they hold; twice that is on the safe side. */
const publishedLongEnough = (next: Slot, now: number, { leafLifetimeMs }: RotationOptions): boolean =>
  now - next.since >= leafLifetimeMs;

/** One step at a time, the most urgent first; called again (a minute later) for the next one. */
export function planRotation(held: Authorities | undefined, now: number, options: RotationOptions): RotationPlan {
  const create = () => ({ authority: createAuthority({ ...options, now }), since: now });
  if (held === undefined) {
    return {
      authorities: { current: create(), next: undefined, previous: undefined },
      changed: true,
      reason: "there was no CA",
    };
  }
  const notAfter = notAfterOf(held.current.authority.certificatePem);
  const life = notAfter - notBeforeOf(held.current.authority.certificatePem);
  if (held.next === undefined && notAfter - now < life / 2) {
    return {
      authorities: { ...held, next: create() },
      changed: true,
      reason: "half of the CA's life has passed: the next one is published",
    };
  }
  const due = notAfter - now < life / 6;
  if (held.next !== undefined && due && (publishedLongEnough(held.next, now, options) || notAfter <= now)) {
    return {
      authorities: activated(held, held.next, now),
      changed: true,
      reason: "five sixths of the CA's life have passed: the next one signs",
    };
  }
  if (held.previous !== undefined && now - held.previous.since > options.leafLifetimeMs) {
    return {
      authorities: { ...held, previous: undefined },
      changed: true,
      reason: "the previous CA's last certificate has expired",
    };
  }
  return { authorities: held, changed: false, reason: "" };
}

function activated(held: Authorities, next: Slot, now: number): Authorities {
  return { current: { ...next, since: now }, next: undefined, previous: { ...held.current, since: now } };
}

export type RotationVerb = "prepare" | "activate" | "retire";

/** An operator's verb, or the words why it is too early for it. */
export function rotate(
  verb: RotationVerb,
  held: Authorities,
  now: number,
  options: RotationOptions,
): Authorities | string {
  const { current, next, previous } = held;
  switch (verb) {
    case "prepare":
      if (next) return "a next CA is prepared already";
      return { ...held, next: { authority: createAuthority({ ...options, now }), since: now } };
    case "activate":
      if (!next) return "no next CA is prepared";
      if (!publishedLongEnough(next, now, options)) {
        const waitMinutes = Math.ceil((next.since + options.leafLifetimeMs - now) / 60_000);
        return `the next CA was published too recently: wait ${waitMinutes} minutes until every pod has heard of it`;
      }
      return activated(held, next, now);
    case "retire":
      if (!previous) return "there is no previous CA";
      if (now - previous.since <= options.leafLifetimeMs) {
        const waitMinutes = Math.ceil((previous.since + options.leafLifetimeMs - now) / 60_000);
        return `certificates of the previous CA are still valid: wait ${waitMinutes} minutes`;
      }
      return { current, next, previous: undefined };
  }
}

/** Everything that is to be believed now, PEM. */
export function bundleOf({ current, next, previous }: Authorities): string {
  return joinBundle([current, next, previous].flatMap((slot) => (slot ? [slot.authority.certificatePem] : [])));
}

const SLOTS = ["current", "next", "previous"] as const;

/** As keys of a Secret: <slot>.crt, <slot>.key (PEM) and <slot>.since (RFC 3339). */
export function encodeAuthorities(authorities: Authorities): Record<string, Secret> {
  const entries = SLOTS.flatMap((name) => {
    const slot = authorities[name];
    if (slot === undefined) return [];
    return [
      [`${name}.crt`, new Secret(slot.authority.certificatePem)],
      [`${name}.key`, slot.authority.key],
      [`${name}.since`, new Secret(new Date(slot.since).toISOString())],
    ] as const;
  });
  return Object.fromEntries(entries);
}

/** Undefined when the Secret holds no current CA: an empty Secret that somebody made by hand is filled. */
export function decodeAuthorities(data: Readonly<Record<string, Secret>>): Authorities | undefined {
  const [current, next, previous] = SLOTS.map((name) => {
    const [certificate, key, since] = [data[`${name}.crt`], data[`${name}.key`], data[`${name}.since`]];
    if (certificate === undefined || key === undefined) return undefined;
    return {
      authority: { certificatePem: certificate.reveal(), key },
      since: since === undefined ? 0 : Date.parse(since.reveal()),
    };
  });
  return current && { current, next, previous };
}
