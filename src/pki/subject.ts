// The subject of a certificate as its subjectAltName (RFC 5280 §4.2.1.6). The caller has decided on it; here the names
// are only encoded, and a name without an exact encoding is the caller's mistake.
import { isIPv4, isIPv6 } from "node:net";
import { type Der, sequence, taggedBytes } from "./der.ts";

/** A pod by its SPIFFE ID, or podrole's own serving names. IP addresses without zone or brackets. */
export type Subject =
  | { readonly kind: "pod"; readonly uri: string }
  | { readonly kind: "serving"; readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] };

/** Returns the GeneralNames of `subject`. Throws if there is none or one has no exact encoding. */
export function alternativeNames(subject: Subject): Der {
  if (subject.kind === "pod") return sequence(taggedBytes(6, asciiBytes(subject.uri)));
  const names = [
    ...subject.dnsNames.map((name) => taggedBytes(2, asciiBytes(name))),
    ...subject.ipAddresses.map((address) => taggedBytes(7, addressBytes(address))),
  ];
  if (names.length === 0)
    throw new Error("Cannot encode a serving certificate: it has no name; expected a DNS name or an IP address");
  return sequence(...names);
}

/** An IA5String without blanks and control characters. */
function asciiBytes(text: string): Buffer {
  if (!/^[!-~]+$/.test(text))
    throw new Error(`Cannot encode ${JSON.stringify(text)} as a certificate name; expected printable ASCII`);
  return Buffer.from(text, "latin1");
}

/** Four bytes of IPv4, or sixteen of IPv6 through the URL parser, which writes every address in hex groups. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!isIPv6(address) || address.includes("%"))
    throw new Error(
      `Cannot encode ${JSON.stringify(address)} as an IP address; expected IPv4 or IPv6 without zone and brackets`,
    );
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill("0");
  const all = [...groups(head), ...zeros, ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
