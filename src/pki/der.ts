// DER by node-forge's asn1 layer, as small words: structures are written as one reads them in RFC 5280 and RFC 2986.
// What comes from outside is decoded strictly: one value, DER only, bounded in size and depth, undefined for the rest.
// forge keeps bytes in "binary strings" (one character a byte); they never leave this file.
import type { asn1 as Asn1 } from "node-forge";
import asn1 from "node-forge/lib/asn1.js";

export type Der = Asn1.Asn1;

const { Class, Type } = asn1;

const universal = (type: number, value: string): Der => asn1.create(Class.UNIVERSAL, type, false, value);

export const sequence = (...parts: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);
export const set = (...parts: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SET, true, parts);
export const oid = (dotted: string): Der => universal(Type.OID, asn1.oidToDer(dotted).getBytes());
export const octets = (bytes: Uint8Array): Der => universal(Type.OCTETSTRING, toBinary(bytes));
export const utf8 = (text: string): Der => universal(Type.UTF8, toBinary(Buffer.from(text)));
/** BOOLEAN TRUE; FALSE is always a default, and DER leaves defaults out. */
export const yes = (): Der => universal(Type.BOOLEAN, "\xff");
export const nothing = (): Der => universal(Type.NULL, "");

/** A non-negative INTEGER from its big-endian bytes, which start with no needless zero. */
export const integer = (...bytes: readonly number[]): Der =>
  universal(Type.INTEGER, toBinary(Buffer.from((bytes[0] ?? 0) < 0x80 ? bytes : [0, ...bytes])));

export const bits = (bytes: Uint8Array, unusedBits = 0): Der =>
  universal(Type.BITSTRING, String.fromCharCode(unusedBits) + toBinary(bytes));

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on, both in whole seconds. `ms` is Unix time. */
export function time(ms: number): Der {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
  return text < "2050" ? universal(Type.UTCTIME, text.slice(2)) : universal(Type.GENERALIZEDTIME, text);
}

/** [tag] around other values: EXPLICIT, or IMPLICIT over a constructed type. */
export const tagged = (tag: number, ...parts: Der[]): Der => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, parts);

/** [tag] IMPLICIT over a primitive type: the tag with these content bytes. */
export const taggedBytes = (tag: number, bytes: Uint8Array): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, toBinary(bytes));

export function encode(der: Der): Buffer {
  return Buffer.from(asn1.toDer(der).getBytes(), "latin1");
}

/** Certificates have a few kilobytes; TLS stacks stop at 100 KiB for a whole chain. */
const LONGEST = 64 * 1024;
/** A certificate nests seven deep. forge recurses, so its own bound keeps a bomb of opening tags off the stack. */
const DEEPEST = 16;

/** Reads exactly one DER value that fills `bytes`; undefined for anything else. Never throws. */
export function decode(bytes: Uint8Array): Der | undefined {
  if (bytes.length > LONGEST) return undefined;
  try {
    // The published types know neither option. BIT STRINGs are left alone: a guess at their meaning is no parsing.
    const der = asn1.fromDer(toBinary(bytes), { maxDepth: DEEPEST, decodeBitStrings: false } as never);
    // forge reads BER and takes a long tag (31) for a short one; whoever verifies a signature may see another value.
    return encode(der).equals(bytes) && hasShortTags(der) ? der : undefined;
  } catch {
    return undefined;
  }
}

function hasShortTags(der: Der): boolean {
  return (der.type as number) !== 31 && (parts(der) ?? []).every(hasShortTags);
}

/** The values inside a constructed value; undefined when there is none or it is primitive. */
export function parts(der: Der | undefined): Der[] | undefined {
  return der?.constructed && Array.isArray(der.value) ? der.value : undefined;
}

/** The values inside a SEQUENCE; undefined for anything else. */
export function fields(der: Der | undefined): Der[] | undefined {
  return der?.tagClass === Class.UNIVERSAL && der.type === Type.SEQUENCE ? parts(der) : undefined;
}

/** The content bytes of a primitive value; undefined when there is none or it is constructed. */
export function content(der: Der | undefined): Buffer | undefined {
  return der !== undefined && typeof der.value === "string" ? Buffer.from(der.value, "latin1") : undefined;
}

/** The bytes of a BIT STRING without unused bits; undefined for anything else. */
export function wholeBits(der: Der | undefined): Buffer | undefined {
  const bytes = der?.tagClass === Class.UNIVERSAL && der.type === Type.BITSTRING ? content(der) : undefined;
  return bytes?.[0] === 0 ? bytes.subarray(1) : undefined;
}

/** The bytes of an OCTET STRING; undefined for anything else. */
export function wholeOctets(der: Der | undefined): Buffer | undefined {
  return der?.tagClass === Class.UNIVERSAL && der.type === Type.OCTETSTRING ? content(der) : undefined;
}

/** True for a value with this context-specific tag. */
export const hasTag = (der: Der | undefined, tag: number): boolean =>
  der?.tagClass === Class.CONTEXT_SPECIFIC && (der.type as number) === tag;

/** True for two values with the same encoding. */
export const isSame = (a: Der | undefined, b: Der): boolean => a !== undefined && encode(a).equals(encode(b));

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
