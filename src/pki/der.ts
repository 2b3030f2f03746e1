// DER by node-forge's asn1 layer, as small words: structures are written as one reads them in RFC 5280 and RFC 2986.
// forge keeps bytes in "binary strings"; that stays in this file.
import type { asn1 as Asn1 } from "node-forge";
import asn1 from "node-forge/lib/asn1.js";

export type Der = Asn1.Asn1;

const { Class, Type } = asn1;

function universal(type: number, constructed: boolean, value: string | Der[]): Der {
  return asn1.create(Class.UNIVERSAL, type, constructed, value);
}

export const sequence = (...parts: readonly Der[]): Der => universal(Type.SEQUENCE, true, [...parts]);
export const set = (...parts: readonly Der[]): Der => universal(Type.SET, true, [...parts]);
export const oid = (dotted: string): Der => universal(Type.OID, false, asn1.oidToDer(dotted).getBytes());
export const octets = (bytes: Uint8Array): Der => universal(Type.OCTETSTRING, false, toBinary(bytes));
export const utf8 = (text: string): Der => universal(Type.UTF8, false, toBinary(Buffer.from(text, "utf8")));
export const boolean = (value: boolean): Der => universal(Type.BOOLEAN, false, value ? "\xff" : "\x00");

/** A non-negative INTEGER from its big-endian bytes. */
export function integer(bytes: Uint8Array): Der {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const rest = toBinary(bytes.subarray(start));
  return universal(Type.INTEGER, false, (bytes[start] ?? 0) >= 0x80 ? `\x00${rest}` : rest || "\x00");
}

export const bits = (bytes: Uint8Array, unusedBits = 0): Der =>
  universal(Type.BITSTRING, false, String.fromCharCode(unusedBits) + toBinary(bytes));

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on; both without fractions. */
export function time(ms: number): Der {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+Z$/g, "");
  return new Date(ms).getUTCFullYear() < 2050
    ? universal(Type.UTCTIME, false, `${digits.slice(2)}Z`)
    : universal(Type.GENERALIZEDTIME, false, `${digits}Z`);
}

/** [tag] EXPLICIT or a constructed IMPLICIT one: parts inside. */
export const tagged = (tag: number, ...parts: readonly Der[]): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [...parts]);

/** [tag] IMPLICIT over a primitive: bytes inside. */
export const taggedBytes = (tag: number, bytes: Uint8Array): Der =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, toBinary(bytes));

export function encode(der: Der): Buffer {
  return Buffer.from(asn1.toDer(der).getBytes(), "binary");
}

/**
 * Reads exactly one value that fills `bytes`; undefined for anything else. Nesting is bounded before forge recurses,
 * because a few kilobytes of opening tags would otherwise exhaust the stack.
 */
export function decode(bytes: Uint8Array): Der | undefined {
  if (!isShallow(bytes)) return undefined;
  try {
    return asn1.fromDer(
      toBinary(bytes) as never,
      { strict: true, parseAllBytes: true, decodeBitStrings: false } as never,
    );
  } catch {
    return undefined;
  }
}

const DEEPEST = 32;

/** Walks definite-length headers only; true when no value is nested deeper than DEEPEST and all lengths fit. */
function isShallow(bytes: Uint8Array): boolean {
  const ends: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    while (ends.length > 0 && at >= (ends.at(-1) ?? 0)) ends.pop();
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0x80;
    if ((tag & 0x1f) === 0x1f || first === 0x80 || first > 0x84) return false;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length =
      first < 0x80 ? first : bytes.subarray(at + 2, at + 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
    const start = at + 2 + lengthBytes;
    if (start + length > (ends.at(-1) ?? bytes.length)) return false;
    if ((tag & 0x20) === 0) {
      at = start + length;
    } else {
      ends.push(start + length);
      if (ends.length > DEEPEST) return false;
      at = start;
    }
  }
  return at === bytes.length;
}

/** The values inside a constructed value; undefined when it is primitive. */
export function parts(der: Der | undefined): Der[] | undefined {
  return der?.constructed && Array.isArray(der.value) ? der.value : undefined;
}

/** The content bytes of a primitive value; undefined when it is constructed. */
export function content(der: Der | undefined): Buffer | undefined {
  return der && !der.constructed && typeof der.value === "string" ? Buffer.from(der.value, "binary") : undefined;
}

export const isSequence = (der: Der | undefined): boolean =>
  der?.tagClass === Class.UNIVERSAL && der.type === Type.SEQUENCE && der.constructed;

/** True for a context-specific value of this tag. */
export const hasTag = (der: Der | undefined, tag: number): boolean =>
  der?.tagClass === Class.CONTEXT_SPECIFIC && (der.type as number) === tag;

/** The dotted text of an OBJECT IDENTIFIER; undefined for anything else. */
export function oidText(der: Der | undefined): string | undefined {
  const bytes = content(der);
  if (bytes === undefined || der?.type !== Type.OID || bytes.length === 0) return undefined;
  return asn1.derToOid(toBinary(bytes));
}

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("binary");
}

/** DER as PEM of this label (RFC 7468). */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
