import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { type Authorities, decodeAuthorities, encodeAuthorities } from "../../src/pki/slots.ts";
import { PodroleError } from "../../src/protocol/errors.ts";
import { DAY_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { revealAll } from "../fakes/secret-data.ts";
import { newAuthority, SAMPLE_NOW } from "./samples.ts";

const FULL: Authorities = {
  current: { authority: newAuthority(SAMPLE_NOW, "current"), since: SAMPLE_NOW, longestLeafMs: 3_600_000 },
  next: { authority: newAuthority(SAMPLE_NOW, "next"), since: SAMPLE_NOW + 1234 },
  previous: {
    certificatePem: newAuthority(SAMPLE_NOW, "previous").certificatePem,
    since: SAMPLE_NOW - DAY_MS,
    longestLeafMs: 600_000,
  },
};

const textsOf = (slots: Authorities | undefined) => slots && revealAll(encodeAuthorities(slots));

for (const [name, slots] of [
  ["all slots", FULL],
  ["only the current slot", { ...FULL, next: undefined, previous: undefined }],
  ["no previous slot", { ...FULL, previous: undefined }],
] as const) {
  test(`decodeAuthorities() reads what encodeAuthorities() wrote: ${name}`, () => {
    const read = decodeAuthorities(encodeAuthorities(slots));
    assert.deepEqual(textsOf(read), textsOf(slots));
    assert.equal(read?.current.since, slots.current.since);
    assert.equal(read?.next?.since, slots.next?.since);
    assert.deepEqual(read?.previous, slots.previous);
  });
}

test("encodeAuthorities() writes certificate, key and time of each slot, and no key of the previous CA", () => {
  const data = encodeAuthorities(FULL);
  assert.deepEqual(Object.keys(data), [
    "current.crt",
    "current.key",
    "current.since",
    "current.leaf-seconds",
    "next.crt",
    "next.key",
    "next.since",
    "previous.crt",
    "previous.since",
    "previous.leaf-seconds",
  ]);
  assert.equal(data["current.leaf-seconds"], "3600");
  assert.equal(data["next.since"], "2026-11-24T12:00:01.234Z");
  assert.doesNotMatch(inspect(data), /PRIVATE KEY/);
  const secrets = Object.entries(data).flatMap(([key, value]) => (value instanceof Secret ? key : []));
  assert.deepEqual(secrets, ["current.key", "next.key"], "certificates and times are public");
});

test("decodeAuthorities() gives undefined for a Secret without any slot", () => {
  assert.equal(decodeAuthorities({}), undefined);
  assert.equal(decodeAuthorities({ note: new Secret("kept by hand") }), undefined);
});

const secret = (text: string): Secret => new Secret(text);
const DAMAGES: readonly (readonly [string, Record<string, Secret | undefined>, RegExp])[] = [
  ["the current certificate is missing", { "current.crt": undefined }, /current\.crt is missing$/],
  ["the current key is missing", { "current.key": undefined }, /current\.key is missing$/],
  ["a lifetime is not a number", { "current.leaf-seconds": secret("1h") }, /leaf-seconds is not a number of seconds/],
  ["the current slot is missing", { "current.crt": undefined, "current.key": undefined }, /current\.crt is missing$/],
  ["the current certificate is none", { "current.crt": secret("x") }, /current\.crt is not a certificate/],
  ["the current key is none", { "current.key": secret("x") }, /current\.key: the key is not readable/],
  ["the current key is another's", { "current.key": newAuthority().key }, /current\.key: the key does not belong/],
  ["a time is missing", { "next.since": undefined }, /next\.since is not a time/],
  ["a time is none", { "previous.since": secret("yesterday") }, /previous\.since is not a time/],
  ["the next key is missing", { "next.key": undefined }, /next\.key is missing$/],
  ["the next certificate is missing", { "next.crt": undefined }, /next\.crt is missing$/],
  ["the previous certificate is none", { "previous.crt": secret("") }, /previous\.crt is not a certificate/],
];

for (const [name, damage, reason] of DAMAGES) {
  test(`decodeAuthorities() throws INTERNAL when ${name}`, () => {
    const entries = Object.entries({ ...encodeAuthorities(FULL), ...damage });
    const data = Object.fromEntries(entries.filter((entry): entry is [string, Secret] => entry[1] !== undefined));
    assert.throws(
      () => decodeAuthorities(data),
      (error) => error instanceof PodroleError && error.code === "AUTHORITY_UNAVAILABLE" && reason.test(error.message),
    );
  });
}
