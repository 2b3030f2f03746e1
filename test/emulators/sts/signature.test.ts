// The published vectors of AWS's Signature Version 4 test suite.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isStsError } from "../../../emulators/sts/errors.ts";
import { isSignedBy, parseAuthorization, type SignedRequest } from "../../../emulators/sts/signature.ts";
import { Secret } from "../../../src/runtime/secret.ts";

const SECRET = new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const TIMESTAMP = "20150830T123600Z";
const BASE = { host: ["example.amazonaws.com"], "x-amz-date": [TIMESTAMP] };

const VECTORS: readonly {
  readonly name: string;
  readonly request: Partial<SignedRequest>;
  readonly headers: Record<string, string[]>;
  readonly signature: string;
}[] = [
  {
    name: "get-vanilla",
    request: {},
    headers: {},
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-vanilla-query-order-key-case",
    request: { query: "Param2=value2&Param1=value1" },
    headers: {},
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "get-header-value-trim",
    request: {},
    headers: { "my-header1": [" value1"], "my-header2": [' "a   b   c"'] },
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
  {
    name: "get-slashes (normalised)",
    request: { path: "//example//" },
    headers: {},
    signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
  },
  {
    name: "post-x-www-form-urlencoded",
    request: { method: "POST", body: Buffer.from("Param1=value1") },
    headers: { "content-type": ["application/x-www-form-urlencoded"] },
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  },
];

for (const { name, request, headers, signature } of VECTORS) {
  test(`isSignedBy() accepts AWS's vector ${name} and no other signature`, () => {
    const all = { ...BASE, ...headers };
    const signed: SignedRequest = {
      method: "GET",
      path: "/",
      query: "",
      body: new Uint8Array(),
      headers: all,
      ...request,
    };
    const names = Object.keys(all).sort().join(";");
    const header = (sent: string) =>
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${sent}`;
    assert.equal(accepts(signed, header(signature)), true);
    assert.equal(accepts(signed, header(signature.replace(/^./, (first) => (first === "0" ? "1" : "0")))), false);
    assert.equal(accepts({ ...signed, body: Buffer.from("other") }, header(signature)), false);
  });
}

function accepts(request: SignedRequest, header: string): boolean {
  const authorization = parseAuthorization(header, true);
  if (isStsError(authorization)) assert.fail(authorization.message);
  return isSignedBy(SECRET, request, authorization, TIMESTAMP);
}
