// src/runtime/platform.ts for browsers: the same functions without Node, and synchronous, which crypto.subtle is not.
import sha256 from "node-forge/lib/sha256.js";
import { canonicalJson } from "../../src/runtime/canonical-json.ts";

/** Returns the SHA-256 of the text's UTF-8 as 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  return sha256.create().update(text, "utf8").digest().toHex();
}

/** Compares values of JSON; objects may have their keys in any order. */
export function isDeepStrictEqual(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Returns 4 or 6 for an IP address of that version, otherwise 0. */
export function isIP(text: string): 0 | 4 | 6 {
  if (IPV4.test(text)) return 4;
  return text.includes(":") && URL.canParse(`http://[${text}]/`) ? 6 : 0;
}
