import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { Secret } from "../../../src/runtime/secret.ts";
import { createSignedPodReader } from "../../../src/server/issue/token-signature.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { fc } from "../../property.ts";

interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly hash: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const ecKey = (kid: string, alg: string, hash: string, namedCurve: string): SigningKey => ({
  ...{ kid, alg, hash },
  ...generateKeyPairSync("ec", { namedCurve }),
});
const RSA: SigningKey = {
  ...{ kid: "rsa", alg: "RS256", hash: "sha256" },
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }),
};
const P256 = ecKey("p256", "ES256", "sha256", "P-256");
const KEYS = [RSA, P256, ecKey("p384", "ES384", "sha384", "P-384"), ecKey("p521", "ES512", "sha512", "P-521")];

const BOUND = { namespace: "shop", pod: { name: "web", uid: "u-1" }, serviceaccount: { name: "default", uid: "s-1" } };
const POD = { namespace: "shop", uid: "u-1" };

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenOf({ kid, alg, hash, privateKey }: SigningKey, bound: unknown = BOUND): string {
  const signed = `${base64({ alg, kid })}.${base64({ aud: ["podrole.io"], "kubernetes.io": bound })}`;
  const signature = sign(hash, Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: "jwk" }), kid });

async function setUp(given: readonly SigningKey[] = KEYS) {
  const clock = createFakeClock();
  const log = createKeptLog();
  let published = given;
  let reads = 0;
  let isBroken = false;
  const kubernetes = {
    async getTokenKeys() {
      reads += 1;
      if (isBroken) throw new RangeError("away");
      return published.map(({ kid, publicKey }) => Object.fromEntries(Object.entries(jwkOf(publicKey, kid))));
    },
  };
  const read = createSignedPodReader({ clock, log: log.log, kubernetes });
  async function podOf(token: string) {
    const pod = read(new Secret(token));
    await clock.advance(0);
    return pod;
  }
  // The first token only has the keys read.
  await podOf(tokenOf(P256));
  return {
    ...{ clock, log, podOf },
    reads: () => reads,
    publish: (keys: readonly SigningKey[]) => (published = keys),
    break: (broken: boolean) => (isBroken = broken),
  };
}

for (const key of KEYS) {
  test(`createSignedPodReader() returns the pod of a token that a published key signed with ${key.alg}`, async () => {
    const { podOf } = await setUp();
    assert.deepEqual(await podOf(tokenOf(key)), POD);
  });
}

test("createSignedPodReader() counts a signed token without a pod for its namespace", async () => {
  const { podOf } = await setUp();
  assert.deepEqual(await podOf(tokenOf(P256, { namespace: "shop" })), { namespace: "shop", uid: "" });
  assert.equal(await podOf(tokenOf(P256, null)), undefined);
});

const [header, payload, signature] = tokenOf(P256).split(".");
const FORGED: readonly (readonly [what: string, token: string])[] = [
  ["a signature that nobody made", `${header}.${payload}.${"A".repeat(86)}`],
  ["a signature in another form", `${header}.${payload}.c2lnbmF0dXJl`],
  ["no signature", `${header}.${payload}.`],
  [
    "another pod than the signed one",
    `${header}.${base64({ "kubernetes.io": { ...BOUND, pod: { uid: "u-2" } } })}.${signature}`,
  ],
  ["the algorithm none", `${base64({ alg: "none", kid: "p256" })}.${payload}.`],
  ["an algorithm with a shared secret", tokenOf({ ...P256, alg: "HS256" })],
  ["the id of another key", tokenOf({ ...P256, kid: "p384" })],
  ["a key that is not published", tokenOf(ecKey("own", "ES256", "sha256", "P-256"))],
  ["no key", tokenOf({ ...P256, kid: undefined as unknown as string })],
  ["one part", "x"],
];
for (const [what, token] of FORGED) {
  test(`createSignedPodReader() returns no pod for a token with ${what}`, async () => {
    const { podOf } = await setUp();
    assert.equal(await podOf(token), undefined);
  });
}

test("createSignedPodReader() never throws, and returns a pod only for what was signed", async () => {
  const { podOf } = await setUp();
  const tokens = KEYS.map((key) => tokenOf(key).split("."));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...tokens), fc.nat(2), fc.base64String(), async (parts, index, text) => {
      const changed = parts.with(index, text.replaceAll("=", ""));
      if (changed[index] !== parts[index]) assert.equal(await podOf(changed.join(".")), undefined);
    }),
    { numRuns: 200 },
  );
});

test("createSignedPodReader() reads the keys again when they are ten minutes old, and for an unknown key, but once a minute at most", async () => {
  const { clock, podOf, reads, publish } = await setUp([RSA]);
  for (let index = 0; index < 50; index++) await podOf(tokenOf({ ...P256, kid: `unknown-${index}` }));
  assert.equal(reads(), 1);
  publish([P256]);
  await clock.advance(60_000);
  assert.equal(await podOf(tokenOf(P256)), undefined);
  assert.deepEqual(await podOf(tokenOf(P256)), POD);
  assert.equal(reads(), 2);
  await clock.advance(10 * 60_000);
  publish([RSA]);
  await podOf(tokenOf(P256));
  assert.equal(reads(), 3);
  assert.equal(await podOf(tokenOf(P256)), undefined, "its key was withdrawn");
});

test("createSignedPodReader() keeps its keys and warns once while they cannot be read", async () => {
  const { clock, log, podOf, reads, break: breakReads } = await setUp();
  breakReads(true);
  for (let minute = 0; minute < 15; minute++) {
    await clock.advance(60_000);
    assert.deepEqual(await podOf(tokenOf(P256)), POD);
  }
  assert.ok(reads() > 3);
  assert.equal(log.lines.length, 1);
});
