// Stand-in for src/pki/der.ts: the same encoding (ITU-T X.690) without node-forge. It is strict about nothing, because
// a simulation encodes everything that it decodes. der.test.ts compares both.

/** A decoded or assembled value: its identifier octet, and the values or the bytes inside. */
export interface Der {
  readonly id: number;
  readonly value: readonly Der[] | Buffer;
  /** The encoding, once it is known. */
  bytes?: Buffer;
}

const make = (id: number, value: readonly Der[] | Buffer): Der => ({ id, value });
const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const sequence = (...parts: Der[]): Der => make(0x30, parts);
export const set = (...parts: Der[]): Der => make(0x31, parts);
export const octets = (bytes: Uint8Array): Der => make(0x04, toBuffer(bytes));
export const utf8 = (text: string): Der => make(0x0c, Buffer.from(text));
export const yes = (): Der => make(0x01, Buffer.of(0xff));
export const nothing = (): Der => make(0x05, Buffer.alloc(0));
export const integer = (...bytes: readonly number[]): Der =>
  make(0x02, Buffer.from((bytes[0] ?? 0) < 0x80 ? bytes : [0, ...bytes]));
export const bits = (bytes: Uint8Array, unusedBits = 0): Der =>
  make(0x03, Buffer.concat([Buffer.of(unusedBits), bytes]));
export const tagged = (tag: number, ...parts: Der[]): Der => make(0xa0 + tag, parts);
export const taggedBytes = (tag: number, bytes: Uint8Array): Der => make(0x80 + tag, toBuffer(bytes));

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

export function time(ms: number): Der {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
  return text < "2050" ? make(0x17, Buffer.from(text.slice(2))) : make(0x18, Buffer.from(text));
}

export function encodeDer(der: Der): Buffer {
  if (der.bytes) return der.bytes;
  const content = Buffer.isBuffer(der.value) ? der.value : Buffer.concat(der.value.map(encodeDer));
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  der.bytes = Buffer.concat([Buffer.of(der.id, ...head), content]);
  return der.bytes;
}

/** Certificates of CAs are decoded for each signature. */
const decoded = new WeakMap<Uint8Array, Der>();

export function decodeDer(bytes: Uint8Array): Der | undefined {
  const known = decoded.get(bytes);
  if (known) return known;
  try {
    const { der, end } = readAt(toBuffer(bytes), 0);
    if (end !== bytes.length) return undefined;
    decoded.set(bytes, der);
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
  if (end > bytes.length) throw new RangeError("a value is longer than what contains it");
  if ((id & 0x20) === 0)
    return { der: { id, value: bytes.subarray(from, end), bytes: bytes.subarray(start, end) }, end };
  const value: Der[] = [];
  for (let at = from; at < end; ) {
    const read = readAt(bytes, at);
    value.push(read.der);
    at = read.end;
  }
  return { der: { id, value, bytes: bytes.subarray(start, end) }, end };
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

export const isSameDer = (a: Der | undefined, b: Der): boolean => a !== undefined && encodeDer(a).equals(encodeDer(b));
