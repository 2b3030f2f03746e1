// Stand-in for what src/pki uses of node:crypto. A key is an identifier, and a signature is the hash of the signer's
// identifier and of what is signed: nobody attacks a simulation. Certificates are real X.509, read field by field.
import { hash, randomBytes as realRandomBytes } from "node:crypto";
import { currentWorld } from "../surroundings.ts";
import {
  content,
  type Der,
  decodeDer,
  encodeDer,
  fields,
  hasTag,
  isSameDer,
  oid,
  parts,
  wholeBits,
  wholeOctets,
} from "./der.ts";

export { createHash } from "node:crypto";

/** Repeatable, because renewals are spread by a hash of the certificate. */
export function randomBytes(size: number): Buffer {
  if (size > 64) return realRandomBytes(size);
  const world = currentWorld();
  world.serial += 1;
  return hash("sha512", `bytes ${world.serial}`, "buffer").subarray(0, size);
}

/** P-256 SubjectPublicKeyInfo up to the coordinates (RFC 5480). */
const SPKI = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
const KEY = /-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=]{44})\n-----END PRIVATE KEY-----/;

/** A key, or its public half. `id` has 32 bytes. */
class StandInKey {
  readonly asymmetricKeyType = "ec";
  readonly asymmetricKeyDetails = { namedCurve: "prime256v1" };
  readonly id: Buffer;
  readonly #spki: Buffer;

  constructor(id: Buffer) {
    this.id = id;
    this.#spki = Buffer.concat([SPKI, id, id]);
  }

  export(): Buffer {
    return this.#spki;
  }
}

export function generateKeyPairSync() {
  return {
    privateKey: `-----BEGIN PRIVATE KEY-----\n${randomBytes(32).toString("base64")}\n-----END PRIVATE KEY-----\n`,
  };
}

export function createPrivateKey(pem: string): StandInKey {
  const [, id] = KEY.exec(pem) ?? [];
  if (id === undefined) throw new RangeError("this is no private key of the simulation");
  return new StandInKey(Buffer.from(id, "base64"));
}

export function createPublicKey(key: StandInKey | { readonly key: Buffer }): StandInKey {
  return key instanceof StandInKey ? key : new StandInKey(key.key.subarray(SPKI.length, SPKI.length + 32));
}

export function sign(_digest: string, data: Uint8Array, { id }: StandInKey): Buffer {
  return hash("sha256", Buffer.concat([id, data]), "buffer");
}

export function verify(_digest: string, data: Uint8Array, key: StandInKey, signature: Uint8Array): boolean {
  return sign("", data, key).equals(signature);
}

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;

/**
 * Most certificates are read again several times; they are kept in two maps, of which the young one replaces the old
 * one when it is full.
 */
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
  #issuer!: string;
  #subject!: string;
  #own: Buffer | undefined;
  #signer: Buffer | undefined;
  #pem: string | undefined;
  #verified = new Map<string, boolean>();

  // biome-ignore lint: a certificate that is known already is returned instead.
  constructor(input: string | Uint8Array) {
    const text = typeof input === "string" ? input : Buffer.from(input).toString("latin1");
    const known = recall(text);
    if (known) return known;
    const raw = typeof input === "string" ? bytesOf(input) : Buffer.from(input);
    const [signed, , signature] = fields(decodeDer(raw)) ?? [];
    const [, , , issuer, validity, subject, publicKey, extensions] = fields(signed) ?? [];
    const [from, to] = fields(validity) ?? [];
    if (!signed || !issuer || !subject || !publicKey || !from || !to) throw new RangeError("this is no certificate");
    this.raw = raw;
    this.validFromDate = dateOf(from);
    this.validToDate = dateOf(to);
    this.publicKey = createPublicKey({ key: encodeDer(publicKey) });
    this.#signed = encodeDer(signed);
    this.#signature = wholeBits(signature) ?? Buffer.alloc(0);
    this.#issuer = encodeDer(issuer).toString("latin1");
    this.#subject = encodeDer(subject).toString("latin1");
    const find = finderOf(extensions);
    this.ca = (fields(find("2.5.29.19"))?.length ?? 0) > 0;
    this.#own = wholeOctets(find("2.5.29.14"));
    this.#signer = content(fields(find("2.5.29.35"))?.[0]);
    remember(text, this);
  }

  get validFrom(): string {
    return this.validFromDate.toUTCString();
  }

  get validTo(): string {
    return this.validToDate.toUTCString();
  }

  get subject(): string {
    return this.#subject;
  }

  checkIssued(issuer: X509Certificate): boolean {
    const isIdentified = !this.#signer || !issuer.#own || this.#signer.equals(issuer.#own);
    return this.#issuer === issuer.#subject && isIdentified;
  }

  verify(key: StandInKey): boolean {
    const id = key.id.toString("latin1");
    const known = this.#verified.get(id);
    if (known !== undefined) return known;
    const isGood = verify("", this.#signed, key, this.#signature);
    if (this.#verified.size < 8) this.#verified.set(id, isGood);
    return isGood;
  }

  checkPrivateKey(key: StandInKey): boolean {
    return this.publicKey.id.equals(key.id);
  }

  toString(): string {
    this.#pem ??= `-----BEGIN CERTIFICATE-----\n${lines(this.raw.toString("base64"))}-----END CERTIFICATE-----\n`;
    return this.#pem;
  }
}

function bytesOf(pem: string): Buffer {
  const [, body] = BLOCK.exec(pem) ?? [];
  if (body === undefined) throw new RangeError("this is no certificate");
  return Buffer.from(body, "base64");
}

function lines(text: string): string {
  let wrapped = "";
  for (let at = 0; at < text.length; at += 64) wrapped += `${text.slice(at, at + 64)}\n`;
  return wrapped;
}

/** UTCTime has two digits of the year, GeneralizedTime four. */
function dateOf(der: Der): Date {
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
