// DER by node-forge's asn1 layer, with short function names: structures read like their definitions in RFC 5280 and RFC
// 2986. Untrusted input is decoded strictly: one value, DER only, bounded in size and depth, undefined for anything
// else. forge stores bytes in "binary strings" (one character per byte); they never leave this file.
import type { asn1 as Asn1 } from "node-forge";
import asn1 from "node-forge/lib/asn1.js";

/** A decoded or assembled DER value. */
export type Der = Asn1.Asn1;

const { Class, Type } = asn1;

const universal = (type: number, value: string): Der => asn1.create(Class.UNIVERSAL, type, false, value);

export const sequence = (...parts: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);
export const set = (...parts: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SET, true, parts);
export const oid = (dotted: string): Der => universal(Type.OID, asn1.oidToDer(dotted).getBytes());
export const octets = (bytes: Uint8Array): Der => universal(Type.OCTETSTRING, toBinary(bytes));
export const utf8 = (text: string): Der => universal(Type.UTF8, toBinary(Buffer.from(text)));
/** BOOLEAN TRUE. FALSE is always a default, and DER omits defaults. */
export const yes = (): Der => universal(Type.BOOLEAN, "\xff");
export const nothing = (): Der => universal(Type.NULL, "");

/** A non-negative INTEGER from its big-endian bytes, which have no superfluous leading zero. */
export const integer = (...bytes: readonly number[]): Der =>
  universal(Type.INTEGER, toBinary(Buffer.from((bytes[0] ?? 0) < 0x80 ? bytes : [0, ...bytes])));

export const bits = (bytes: Uint8Array, unusedBits = 0): Der =>
  universal(Type.BITSTRING, String.fromCharCode(unusedBits) + toBinary(bytes));

/** UTCTime through 2049, GeneralizedTime from 2050 on, both in whole seconds (RFC 5280 §4.1.2.5). `ms` is Unix time. */
export function time(ms: number): Der {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
  return text < "2050" ? universal(Type.UTCTIME, text.slice(2)) : universal(Type.GENERALIZEDTIME, text);
}

/** Wraps values in [tag]: EXPLICIT, or IMPLICIT over a constructed type. */
export const tagged = (tag: number, ...parts: Der[]): Der => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, parts);

/** [tag] IMPLICIT over a primitive type, with these content bytes. */
export const taggedBytes = (tag: number, bytes: Uint8Array): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, toBinary(bytes));

/** Returns the bytes of a value. */
export function encodeDer(der: Der): Buffer {
  return Buffer.from(asn1.toDer(der).getBytes(), "latin1");
}

/** In bytes. Certificates have a few kilobytes; TLS stacks stop at 100 KiB for a whole chain. */
const MAX_DER_BYTES = 64 * 1024;
/** A certificate nests seven deep. forge recurses, so its own limit keeps a flood of opening tags off the stack. */
const MAX_DER_DEPTH = 16;

/** Reads exactly one DER value that fills `bytes`; returns undefined for anything else. Never throws. */
export function decodeDer(bytes: Uint8Array): Der | undefined {
  if (bytes.length > MAX_DER_BYTES) return undefined;
  try {
    // The published types lack both options. BIT STRINGs are not decoded further: forge would guess at their meaning.
    const der = asn1.fromDer(toBinary(bytes), { maxDepth: MAX_DER_DEPTH, decodeBitStrings: false } as never);
    // forge reads BER as well, and takes a long tag (31) for a short one; a peer that verifies a signature may see
    // another value.
    return encodeDer(der).equals(bytes) && hasShortTags(der) ? der : undefined;
  } catch {
    return undefined;
  }
}

function hasShortTags(der: Der): boolean {
  return (der.type as number) !== 31 && (parts(der) ?? []).every(hasShortTags);
}

/** Returns the values inside a constructed value; undefined for a primitive or an absent one. */
export function parts(der: Der | undefined): Der[] | undefined {
  return der?.constructed && Array.isArray(der.value) ? der.value : undefined;
}

/** Returns the values inside a SEQUENCE; undefined for anything else. */
export function fields(der: Der | undefined): Der[] | undefined {
  return der?.tagClass === Class.UNIVERSAL && der.type === Type.SEQUENCE ? parts(der) : undefined;
}

/** Returns the content bytes of a primitive value; undefined for a constructed or an absent one. */
export function content(der: Der | undefined): Buffer | undefined {
  return der !== undefined && typeof der.value === "string" ? Buffer.from(der.value, "latin1") : undefined;
}

/** Returns the bytes of a BIT STRING without unused bits; undefined for anything else. */
export function wholeBits(der: Der | undefined): Buffer | undefined {
  const bytes = der?.tagClass === Class.UNIVERSAL && der.type === Type.BITSTRING ? content(der) : undefined;
  return bytes?.[0] === 0 ? bytes.subarray(1) : undefined;
}

/** Returns the bytes of an OCTET STRING; undefined for anything else. */
export function wholeOctets(der: Der | undefined): Buffer | undefined {
  return der?.tagClass === Class.UNIVERSAL && der.type === Type.OCTETSTRING ? content(der) : undefined;
}

/** Reports whether a value has this context-specific tag. */
export const hasTag = (der: Der | undefined, tag: number): boolean =>
  der?.tagClass === Class.CONTEXT_SPECIFIC && (der.type as number) === tag;

/** Reports whether two values have the same encoding. */
export function isSameDer(a: Der | undefined, b: Der): boolean {
  if (a === undefined || a.tagClass !== b.tagClass || a.type !== b.type || a.constructed !== b.constructed)
    return false;
  const [ofA, ofB] = [parts(a), parts(b)];
  if (ofA === undefined || ofB === undefined) return a.value === b.value;
  return ofA.length === ofB.length && ofB.every((part, index) => isSameDer(ofA[index], part));
}

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
