// Stand-in for what src/pki uses of node:crypto. A key is an identifier, and a signature is a checksum of the signer's
// identifier and of what is signed: nobody attacks a simulation. Certificates have every field that podrole writes.
import { randomBytes as realRandomBytes } from "node:crypto";
import { currentWorld } from "../surroundings.ts";
import {
  bits,
  content,
  type Der,
  decodeDer,
  type Encoding,
  encodeDer,
  fields,
  hasTag,
  isSameDer,
  nothing,
  oid,
  parts,
  sequence,
  wholeBits,
  wholeOctets,
} from "./der.ts";

const DIGEST_LENGTH = 32;

/** Eight checksums of 32 bits (FNV-1a, each from another start), which differ for different inputs as a hash does. */
function checksum(chunks: readonly Uint8Array[]): Buffer {
  const digest = Buffer.allocUnsafe(DIGEST_LENGTH);
  let first = 0x811c9dc5;
  let second = 0x1234567;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      first = Math.imul(first ^ byte, 0x01000193);
      second = Math.imul(second + byte, 0x85ebca6b) ^ (second >>> 13);
    }
  }
  for (let at = 0; at < DIGEST_LENGTH; at += 8) {
    first = Math.imul(first ^ (first >>> 15), 0x2c1b3c6d) + at;
    second = Math.imul(second ^ (second >>> 16), 0x297a2d39) + at;
    digest.writeInt32BE(first | 0, at);
    digest.writeInt32BE(second | 0, at + 4);
  }
  return digest;
}

/** SHA-256 is used for identifiers, keys of caches and hashes of bundles and tokens. */
export function createHash(_name: string) {
  const chunks: Uint8Array[] = [];
  const hash = {
    update(data: Uint8Array | string) {
      chunks.push(typeof data === "string" ? Buffer.from(data) : data);
      return hash;
    },
    digest: (encoding?: BufferEncoding) =>
      encoding === undefined ? checksum(chunks) : checksum(chunks).toString(encoding),
  };
  return hash;
}

export function hash(_name: string, text: string, encoding: BufferEncoding | "buffer"): string | Buffer {
  const digest = checksum([Buffer.from(text)]);
  return encoding === "buffer" ? digest : digest.toString(encoding);
}

/** Repeatable, because renewals are spread by a hash of the certificate. */
export function randomBytes(size: number): Buffer {
  if (size > DIGEST_LENGTH) return realRandomBytes(size);
  const world = currentWorld();
  world.serial += 1;
  const serial = Buffer.allocUnsafe(6);
  serial.writeUIntBE(world.serial, 0, 6);
  return checksum([serial]).subarray(0, size);
}

/** AlgorithmIdentifier of P-256 (RFC 5480 §2.1.1), and the first byte of a point with both coordinates. */
const P256 = sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"));
const POINT = Buffer.of(0x04);
const KEY = /-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=]{44})\n-----END PRIVATE KEY-----/;

/** A key, or its public half. `id` has 32 bytes. */
class StandInKey {
  readonly asymmetricKeyType = "ec";
  readonly asymmetricKeyDetails = { namedCurve: "prime256v1" };
  readonly id: Buffer;
  /** The identifier as the key of a map. */
  readonly name: string;
  #info: Buffer | undefined;

  constructor(id: Buffer) {
    this.id = id;
    this.name = id.toString("latin1");
  }

  export(): Buffer {
    this.#info ??= encodeDer(sequence(P256, bits(Buffer.concat([POINT, this.id]))));
    return this.#info;
  }
}

export function generateKeyPairSync() {
  return {
    privateKey: `-----BEGIN PRIVATE KEY-----\n${randomBytes(DIGEST_LENGTH).toString("base64")}\n-----END PRIVATE KEY-----\n`,
  };
}

export function createPrivateKey(pem: string): StandInKey {
  const [, id] = KEY.exec(pem) ?? [];
  if (id === undefined) throw new RangeError("this is no private key of the simulation");
  return new StandInKey(Buffer.from(id, "base64"));
}

export function createPublicKey(key: StandInKey | { readonly key: Buffer }): StandInKey {
  if (key instanceof StandInKey) return key;
  const point = wholeBits(fields(decodeDer(key.key))?.[1]);
  if (point === undefined) throw new RangeError("this is no public key of the simulation");
  return new StandInKey(point.subarray(1, 1 + DIGEST_LENGTH));
}

export function sign(_digest: string, data: Uint8Array, { id }: StandInKey): Buffer {
  return checksum([id, data]);
}

export function verify(_digest: string, data: Uint8Array, key: StandInKey, signature: Uint8Array): boolean {
  return sign("", data, key).equals(signature);
}

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;

/**
 * Bytes carry their certificate. By text, certificates are kept in two maps, of which the young one replaces the old
 * one when it is full: what 500 pods get in five hours, because a suspended sidecar reads its own that much later.
 */
interface CertificateBytes extends Encoding {
  certificate?: X509Certificate;
}
const REMEMBERED = 5_000;
let young = new Map<string, X509Certificate>();
let old = new Map<string, X509Certificate>();

function recall(text: string): X509Certificate | undefined {
  const known = young.get(text);
  if (known) return known;
  const older = old.get(text);
  if (older) remember(text, older);
  return older;
}

function remember(text: string, certificate: X509Certificate): void {
  if (young.size >= REMEMBERED) [old, young] = [young, new Map()];
  young.set(text, certificate);
}

/** A certificate with the members that podrole reads. */
export class X509Certificate {
  readonly raw!: Buffer;
  readonly validFromDate!: Date;
  readonly validToDate!: Date;
  readonly ca!: boolean;
  readonly publicKey!: StandInKey;
  readonly keyUsage = undefined;
  #signed!: Buffer;
  #signature!: Buffer;
  #issuer!: Der;
  #subject!: Der;
  #own: Buffer | undefined;
  #signer: Buffer | undefined;
  #pem: string | undefined;
  #verified: Map<string, boolean> | undefined;

  // biome-ignore lint: a certificate that is known already is returned instead.
  constructor(input: string | Uint8Array) {
    const text = typeof input === "string" ? BLOCK.exec(input)?.[1]?.trim() : undefined;
    const known = typeof input === "string" ? text && recall(text) : (input as CertificateBytes).certificate;
    if (known) return known;
    const encoded = text === undefined ? toBuffer(input as Uint8Array) : Buffer.from(text, "base64");
    const [signed, , signature] = fields(decodeDer(encoded)) ?? [];
    const [, , , issuer, validity, subject, publicKey, extensions] = fields(signed) ?? [];
    const [from, to] = fields(validity) ?? [];
    if (!signed || !issuer || !subject || !publicKey || !from || !to) throw new RangeError("this is no certificate");
    this.raw = encoded;
    this.validFromDate = dateOf(from);
    this.validToDate = dateOf(to);
    this.publicKey = createPublicKey({ key: encodeDer(publicKey) });
    this.#signed = Buffer.from(encodeDer(signed));
    this.#signature = wholeBits(signature) ?? Buffer.alloc(0);
    this.#issuer = issuer;
    this.#subject = subject;
    const find = finderOf(extensions);
    this.ca = (fields(find("2.5.29.19"))?.length ?? 0) > 0;
    this.#own = wholeOctets(find("2.5.29.14"));
    this.#signer = content(fields(find("2.5.29.35"))?.[0]);
    const carrier = encoded as CertificateBytes;
    carrier.certificate = this;
    // The rest is not read again, and would stay in memory for hours.
    const _ = nothing();
    carrier.value = sequence(sequence(_, _, _, issuer, _, subject, _, ...(extensions ? [extensions] : [])));
    if (text !== undefined) remember(text, this);
  }

  get validFrom(): string {
    return this.validFromDate.toUTCString();
  }

  get validTo(): string {
    return this.validToDate.toUTCString();
  }

  get subject(): Der {
    return this.#subject;
  }

  checkIssued(issuer: X509Certificate): boolean {
    const isIdentified = !this.#signer || !issuer.#own || this.#signer.equals(issuer.#own);
    return isIdentified && isSameDer(this.#issuer, issuer.#subject);
  }

  verify(key: StandInKey): boolean {
    const known = this.#verified?.get(key.name);
    if (known !== undefined) return known;
    const isGood = verify("", this.#signed, key, this.#signature);
    this.#verified ??= new Map();
    if (this.#verified.size < 8) this.#verified.set(key.name, isGood);
    return isGood;
  }

  checkPrivateKey(key: StandInKey): boolean {
    return this.publicKey.id.equals(key.id);
  }

  toString(): string {
    if (this.#pem === undefined) {
      const text = lines(this.raw.toString("base64"));
      remember(text.trim(), this);
      this.#pem = `-----BEGIN CERTIFICATE-----\n${text}-----END CERTIFICATE-----\n`;
    }
    return this.#pem;
  }
}

/** The same object, because it carries its value. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
}

function lines(text: string): string {
  let wrapped = "";
  for (let at = 0; at < text.length; at += 64) wrapped += `${text.slice(at, at + 64)}\n`;
  return wrapped;
}

/** UTCTime has two digits of the year, GeneralizedTime four. */
function dateOf(der: Der): Date {
  if (der.ms !== undefined) return new Date(der.ms);
  const text = content(der)?.toString("latin1") ?? "";
  const whole = der.id === 0x17 ? `20${text}` : text;
  const [, ...numbers] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(whole) ?? [];
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = numbers.map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function finderOf(wrapper: Der | undefined): (id: string) => Der | undefined {
  const extensions = hasTag(wrapper, 3) ? (fields(parts(wrapper)?.[0]) ?? []) : [];
  return (id) => {
    const found = extensions.find((extension) => isSameDer(fields(extension)?.[0], oid(id)));
    return decodeDer(wholeOctets(fields(found)?.at(-1)) ?? Buffer.alloc(0));
  };
}
