// The slots of podrole's CA and their form in a Secret: <slot>.crt, <slot>.key (PEM), <slot>.since (RFC 3339), and
// <slot>.leaf-seconds of CAs that sign or have signed. A damaged Secret is an error and stays unchanged: a new CA in
// its place would cut off every pod.
import { X509Certificate } from "node:crypto";
import { PodroleError } from "../protocol/errors.ts";
import { Secret, type SecretData } from "../runtime/secret.ts";
import type { Authority } from "./certificate.ts";
import { findKeyPairProblem } from "./own-authority.ts";

/** A CA with its key, as next or current one. */
export interface Slot {
  readonly authority: Authority;
  /** Unix milliseconds: published since (next), signing since (current). */
  readonly since: number;
  /**
   * Longest lifetime of a certificate that a server has signed with this CA, in milliseconds; servers record it before
   * they sign. Undefined if none has, or if it was a server of an earlier version.
   */
  readonly longestLeafMs?: number | undefined;
}

/** A CA that only verifies. */
export interface PreviousSlot {
  readonly certificatePem: string;
  /** Unix milliseconds: when the next CA started to sign. */
  readonly since: number;
  /** As in Slot. */
  readonly longestLeafMs?: number | undefined;
}

/** All slots of podrole's CA. */
export interface Authorities {
  readonly current: Slot;
  readonly next: Slot | undefined;
  readonly previous: PreviousSlot | undefined;
}

/** The certificate in one slot, and since when it is there (Unix milliseconds). */
export interface SlotCertificate {
  readonly slot: "next" | "current" | "previous";
  readonly certificatePem: string;
  readonly since: number;
  /** As in Slot. */
  readonly longestLeafMs?: number | undefined;
}

/** Returns the certificates of the slots that are in use, the newest CA first. */
export function slotCertificates({ next, current, previous }: Authorities): readonly SlotCertificate[] {
  const ofSlot = (slot: "next" | "current", { authority, since, longestLeafMs }: Slot): SlotCertificate => ({
    slot,
    certificatePem: authority.certificatePem,
    since,
    longestLeafMs,
  });
  return [
    ...(next ? [ofSlot("next", next)] : []),
    ofSlot("current", current),
    ...(previous ? [{ slot: "previous" as const, ...previous }] : []),
  ];
}

/** Returns the slots as data of a Secret: only keys are Secrets, because certificates and times are public. */
export function encodeAuthorities({ current, next, previous }: Authorities): SecretData {
  return {
    ...encodeSlot("current", current),
    ...(next && encodeSlot("next", next)),
    ...(previous && {
      "previous.crt": previous.certificatePem,
      "previous.since": formatTime(previous.since),
      ...encodeLeaf("previous", previous),
    }),
  };
}

function encodeSlot(name: string, slot: Slot): SecretData {
  const { certificatePem, key } = slot.authority;
  const times = { [`${name}.since`]: formatTime(slot.since), ...encodeLeaf(name, slot) };
  return { [`${name}.crt`]: certificatePem, [`${name}.key`]: key, ...times };
}

function encodeLeaf(name: string, { longestLeafMs }: Pick<Slot, "longestLeafMs">): SecretData {
  return longestLeafMs === undefined ? {} : { [`${name}.leaf-seconds`]: String(Math.ceil(longestLeafMs / 1000)) };
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Reads the slots from a Secret, of which every entry is a Secret until it has been parsed: by mistake, a key may be
 * where a certificate is expected. Undefined if it has no slot at all, in which case the server fills it. Throws
 * PodroleError AUTHORITY_UNAVAILABLE, which names the key of the Secret, if a slot is incomplete or its parts do not
 * match.
 */
export function decodeAuthorities(data: SecretData): Authorities | undefined {
  if (!Object.keys(data).some((key) => /^(current|next|previous)\./.test(key))) return undefined;
  const has = (name: string) => data[`${name}.crt`] !== undefined || data[`${name}.key`] !== undefined;
  return {
    current: decodeSlot("current", data),
    next: has("next") ? decodeSlot("next", data) : undefined,
    previous: data["previous.crt"] ? decodePrevious(data) : undefined,
  };
}

function decodeSlot(name: string, data: SecretData): Slot {
  const certificatePem = readCertificate(`${name}.crt`, data);
  const key = data[`${name}.key`];
  if (!(key instanceof Secret)) throw damagedSecretError(`${name}.key is missing`);
  const problem = findKeyPairProblem(new X509Certificate(certificatePem), key);
  if (problem !== undefined) throw damagedSecretError(`${name}.key: ${problem}`);
  return { authority: { certificatePem, key }, since: readTime(`${name}.since`, data), ...readLeaf(name, data) };
}

function decodePrevious(data: SecretData): PreviousSlot {
  return {
    certificatePem: readCertificate("previous.crt", data),
    since: readTime("previous.since", data),
    ...readLeaf("previous", data),
  };
}

function secretText(key: string, data: SecretData): string | undefined {
  const value = data[key];
  return typeof value === "string" ? value : value?.reveal();
}

function readCertificate(key: string, data: SecretData): string {
  const text = secretText(key, data);
  if (text === undefined) throw damagedSecretError(`${key} is missing`);
  try {
    return new X509Certificate(text).toString();
  } catch {
    throw damagedSecretError(`${key} is not a certificate; expected PEM`);
  }
}

function readTime(key: string, data: SecretData): number {
  const ms = Date.parse(secretText(key, data) ?? "");
  if (Number.isNaN(ms)) throw damagedSecretError(`${key} is not a time; expected RFC 3339`);
  return ms;
}

/** Absent in a Secret that a server of an earlier version wrote last. */
function readLeaf(name: string, data: SecretData): Pick<Slot, "longestLeafMs"> {
  const key = `${name}.leaf-seconds`;
  const text = secretText(key, data);
  if (text === undefined) return {};
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw damagedSecretError(`${key} is not a number of seconds; expected a positive whole number`);
  return { longestLeafMs: Number(text) * 1000 };
}

function damagedSecretError(state: string): PodroleError {
  return new PodroleError("AUTHORITY_UNAVAILABLE", `Cannot read the Secret of the CA: ${state}`);
}
