import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDer } from "../../src/pki/der.ts";
import { alternativeNames, type Subject } from "../../src/pki/subject.ts";
import { fc } from "../property.ts";
import { newAuthority, newLeaf } from "./samples.ts";

const serving = (dnsNames: readonly string[], ipAddresses: readonly string[]): Subject => ({
  kind: "serving",
  dnsNames,
  ipAddresses,
});

const ADDRESSES = {
  "10.1.2.255": "87040a0102ff",
  "::": `8710${"00".repeat(16)}`,
  "::1": `8710${"00".repeat(15)}01`,
  "fe80::": `8710fe80${"00".repeat(14)}`,
  "2001:db8::a:0:1": "871020010db8000000000000000a00000001",
  "1:2:3:4:5:6:7:8": "871000010002000300040005000600070008",
  "::ffff:1.2.3.4": "871000000000000000000000ffff01020304",
} as const;

for (const [address, expected] of Object.entries(ADDRESSES)) {
  test(`alternativeNames() writes ${address} as bytes`, () => {
    assert.equal(
      encodeDer(alternativeNames(serving([], [address])))
        .subarray(2)
        .toString("hex"),
      expected,
    );
  });
}

const REFUSED: readonly (readonly [string, Subject])[] = [
  ["no name at all", serving([], [])],
  ["an empty DNS name", serving([""], [])],
  ["a DNS name beyond ASCII", serving(["pödrole.svc"], [])],
  ["a DNS name with a blank", serving(["a b"], [])],
  ["a DNS name with a line break", serving(["a\n"], [])],
  ["an address in brackets", serving([], ["[::1]"])],
  ["an address with a zone", serving([], ["fe80::1%eth0"])],
  ["an address with a port", serving([], ["10.0.0.1:80"])],
  ["an address that is a host name", serving([], ["localhost"])],
  ["an address with a leading zero", serving([], ["010.0.0.1"])],
  ["a pod without URI", { kind: "pod", uri: "" }],
  ["a pod URI beyond ASCII", { kind: "pod", uri: "spiffe://ä" }],
];
for (const [name, subject] of REFUSED) {
  test(`alternativeNames() throws for ${name}`, () =>
    assert.throws(() => alternativeNames(subject), /^Error: Cannot encode .*; expected /));
}

test("alternativeNames() of any IP address is found by node:crypto in the certificate, and no other", () => {
  const authority = newAuthority();
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const { certificate } = newLeaf(authority, serving([], [address]));
      assert.equal(certificate.checkIP(address), address);
      assert.equal(certificate.checkIP("192.0.2.77"), address === "192.0.2.77" ? address : undefined);
    }),
    { numRuns: 100 },
  );
});
