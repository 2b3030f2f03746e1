// Stand-in for src/pki/der.ts: an encoding is a number, and carries its value. What was encoded is never decoded, which
// with node-forge, and even without it, takes more time than everything else that a renewal does. It is strict about
// nothing, because a simulation encodes everything that it decodes. stand-ins.test.ts compares both.

/** A decoded or assembled value: its identifier octet, and the values or the bytes inside. */
export interface Der {
  readonly id: number;
  readonly value: readonly Der[] | Buffer;
  /** The encoding, once it is known. */
  bytes: Buffer | undefined;
  /** Unix milliseconds of a time that was assembled, whose value is empty. */
  readonly ms: number | undefined;
}

/** The bytes of an encoding, with what they encode. */
export interface Encoding extends Uint8Array {
  value?: Der;
}

function make(id: number, value: readonly Der[] | Buffer, ms?: number): Der {
  return { id, value, bytes: undefined, ms };
}

/** The same object wherever possible, because it carries its value. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const NO_BYTES = Buffer.alloc(0);
const YES = make(0x01, Buffer.of(0xff));
const NOTHING = make(0x05, NO_BYTES);

export const sequence = (...parts: Der[]): Der => make(0x30, parts);
export const set = (...parts: Der[]): Der => make(0x31, parts);
export const octets = (bytes: Uint8Array): Der => make(0x04, toBuffer(bytes));
export const utf8 = (text: string): Der => make(0x0c, Buffer.from(text));
export const yes = (): Der => YES;
export const nothing = (): Der => NOTHING;
export const integer = (...bytes: readonly number[]): Der =>
  make(0x02, Buffer.from((bytes[0] ?? 0) < 0x80 ? bytes : [0, ...bytes]));
export const tagged = (tag: number, ...parts: Der[]): Der => make(0xa0 + tag, parts);
export const taggedBytes = (tag: number, bytes: Uint8Array): Der => make(0x80 + tag, toBuffer(bytes));
export const time = (ms: number): Der => make(0x17, NO_BYTES, ms);

export function bits(bytes: Uint8Array, unusedBits = 0): Der {
  const value = Buffer.allocUnsafe(bytes.length + 1);
  value[0] = unusedBits;
  value.set(bytes, 1);
  return make(0x03, value);
}

const oids = new Map<string, Der>();

export function oid(dotted: string): Der {
  const known = oids.get(dotted);
  if (known) return known;
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) groups.unshift(0x80 | (rest & 0x7f));
    return groups;
  });
  const made = make(0x06, Buffer.from(bytes));
  oids.set(dotted, made);
  return made;
}

/** Begins the encoding of a number: no value of DER begins with it. */
const ENCODING_TAG = 0x00;
const ENCODING_LENGTH = 8;
let encodings = 0;

export function encodeDer(der: Der): Buffer {
  if (der.bytes) return der.bytes;
  encodings += 1;
  const bytes = Buffer.allocUnsafe(ENCODING_LENGTH);
  bytes.writeUInt16BE(ENCODING_TAG, 0);
  bytes.writeUIntBE(encodings, 2, 6);
  der.bytes = bytes;
  (bytes as Encoding).value = der;
  return bytes;
}

export function decodeDer(bytes: Uint8Array): Der | undefined {
  const known = (bytes as Encoding).value;
  if (known) return known;
  try {
    const { der, end } = readAt(toBuffer(bytes), 0);
    if (end !== bytes.length) return undefined;
    (bytes as Encoding).value = der;
    return der;
  } catch {
    return undefined;
  }
}

function readAt(bytes: Buffer, start: number): { readonly der: Der; readonly end: number } {
  const id = bytes.readUInt8(start);
  let length = bytes.readUInt8(start + 1);
  let from = start + 2;
  if (length > 0x80) {
    const size = length - 0x80;
    length = bytes.readUIntBE(from, size);
    from += size;
  }
  const end = from + length;
  if (id === ENCODING_TAG || end > bytes.length) throw new RangeError("this is no value");
  const whole = bytes.subarray(start, end);
  if ((id & 0x20) === 0) return { der: { id, value: bytes.subarray(from, end), bytes: whole, ms: undefined }, end };
  const value: Der[] = [];
  for (let at = from; at < end; ) {
    const read = readAt(bytes, at);
    value.push(read.der);
    at = read.end;
  }
  return { der: { id, value, bytes: whole, ms: undefined }, end };
}

export function parts(der: Der | undefined): readonly Der[] | undefined {
  return der === undefined || Buffer.isBuffer(der.value) ? undefined : der.value;
}

export function fields(der: Der | undefined): readonly Der[] | undefined {
  return der?.id === 0x30 ? parts(der) : undefined;
}

export function content(der: Der | undefined): Buffer | undefined {
  return der !== undefined && Buffer.isBuffer(der.value) ? der.value : undefined;
}

export function wholeBits(der: Der | undefined): Buffer | undefined {
  const bytes = der?.id === 0x03 ? content(der) : undefined;
  return bytes?.[0] === 0 ? bytes.subarray(1) : undefined;
}

export function wholeOctets(der: Der | undefined): Buffer | undefined {
  return der?.id === 0x04 ? content(der) : undefined;
}

export const hasTag = (der: Der | undefined, tag: number): boolean =>
  der !== undefined && (der.id & 0xc0) === 0x80 && (der.id & 0x1f) === tag;

export function isSameDer(a: Der | undefined, b: Der): boolean {
  if (a === b) return true;
  if (a?.id !== b.id || a.ms !== b.ms) return false;
  if (Buffer.isBuffer(a.value)) return Buffer.isBuffer(b.value) && a.value.equals(b.value);
  if (Buffer.isBuffer(b.value) || a.value.length !== b.value.length) return false;
  const other = b.value;
  return a.value.every((part, at) => isSameDer(part, other[at] as Der));
}
