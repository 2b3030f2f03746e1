// Who a certificate is for, as its subjectAltName (RFC 5280 §4.2.1.6). The caller has decided; here the names are only
// written down, and what cannot be written exactly is the caller's mistake.
import { isIPv4, isIPv6 } from "node:net";
import { type Der, sequence, taggedBytes } from "./der.ts";

/** A pod by its SPIFFE ID, or podrole's own serving names. IP addresses without zone or brackets. */
export type Subject =
  | { readonly kind: "pod"; readonly uri: string }
  | { readonly kind: "serving"; readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] };

/** The GeneralNames of `subject`. Throws TypeError when there is none or one has no exact form in a certificate. */
export function alternativeNames(subject: Subject): Der {
  if (subject.kind === "pod") return sequence(taggedBytes(6, ascii(subject.uri)));
  const names = [
    ...subject.dnsNames.map((name) => taggedBytes(2, ascii(name))),
    ...subject.ipAddresses.map((address) => taggedBytes(7, addressBytes(address))),
  ];
  if (names.length === 0) throw new TypeError("a serving certificate needs a name");
  return sequence(...names);
}

/** IA5String without blanks and control characters. */
function ascii(text: string): Buffer {
  if (!/^[!-~]+$/.test(text)) throw new TypeError(`"${text}" has characters that no certificate name has`);
  return Buffer.from(text, "latin1");
}

/** Four bytes of IPv4, or sixteen of IPv6 by way of the URL parser, which writes every address in hex groups. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!isIPv6(address) || address.includes("%")) throw new TypeError(`"${address}" is not an IP address`);
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill("0");
  const all = [...groups(head), ...zeros, ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
