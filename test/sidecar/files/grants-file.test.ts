import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../../src/runtime/secret.ts";
import { decodeGrants, encodeGrants } from "../../../src/sidecar/files/grants-file.ts";
import type { ContainerGrant } from "../../../src/sidecar/grants.ts";
import { fc } from "../../property.ts";

const GRANTED: ContainerGrant = {
  container: "app",
  served: true,
  credentials: {
    accessKeyId: "ASIA1",
    secretAccessKey: new Secret("key"),
    sessionToken: new Secret("session"),
    roleArn: "arn:aws:iam::123456789012:role/app",
    accountId: "123456789012",
    issuedAtMs: 1,
    expiresAtMs: 3,
    renewAtMs: 2,
  },
  refusal: undefined,
};

test("decodeGrants() reads what encodeGrants() wrote, secret values included", () => {
  const grants = {
    certificate: { renewAtMs: 1, expiresAtMs: 2 },
    containers: [
      { ...GRANTED, refusal: { code: "STS_DENIED", message: "Cannot: STS_DENIED", retryAfterMs: 5 } as const },
      { ...GRANTED, container: "other" },
    ],
  };
  const read = decodeGrants(encodeGrants(grants));
  assert.deepEqual(read && encodeGrants(read), encodeGrants(grants));
  assert.equal(read?.containers[0]?.credentials?.secretAccessKey.reveal(), "key");
});

test("decodeGrants() returns undefined for any other text", () => {
  const broken = ["", "null", "[]", "{}", '{"containers":[{}]}', '{"containers":[{"container":"a","credentials":{}}]}'];
  for (const text of broken) assert.equal(decodeGrants(text), undefined, text);
  fc.assert(fc.property(fc.json(), (text) => void decodeGrants(text)));
});

test("decodeGrants() returns INTERNAL for an unknown code", () => {
  const text = JSON.stringify({
    containers: [{ container: "app", served: false, refusal: { code: "NEW_CODE", message: "m", retryAfterMs: 0 } }],
  });
  assert.equal(decodeGrants(text)?.containers[0]?.refusal?.code, "INTERNAL");
});
