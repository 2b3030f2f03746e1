// Requests that no SDK sends, and the XML on the wire.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createQueryForm, readTags } from "../../../emulators/sts/query.ts";
import { fc } from "../../property.ts";
import { KEY, type RawRequest, READER, sendSigned, startStsHarness, USER_ARN, xmlElement } from "./harness.ts";

const IDENTITY = { Action: "GetCallerIdentity" };

test("GetCallerIdentity returns STS's XML, element for element", async (t) => {
  const harness = await startStsHarness(t);
  const { status, body } = await sendSigned(harness, { fields: IDENTITY });
  assert.equal(status, 200);
  assert.equal(
    body.replace(/AIDA\w{17}/, "USER_ID").replace(/[\da-f-]{36}/, "REQUEST_ID"),
    `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>${USER_ARN}</Arn>
    <UserId>USER_ID</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>REQUEST_ID</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`,
  );
});

const ACCEPTED: readonly (RawRequest & { readonly name: string })[] = [
  { name: "a GET with the fields in the query string", fields: IDENTITY, method: "GET" },
  { name: "a payload that is not hashed", fields: IDENTITY, payloadHash: "UNSIGNED-PAYLOAD" },
];
for (const { name, ...raw } of ACCEPTED) {
  test(`authenticate() accepts ${name}`, async (t) => {
    const { status, body } = await sendSigned(await startStsHarness(t), raw);
    assert.equal(status, 200, body);
  });
}

const REFUSED: readonly (RawRequest & {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
})[] = [
  {
    name: "a request without Authorization",
    fields: IDENTITY,
    headers: { authorization: " " },
    status: 403,
    code: "MissingAuthenticationToken",
    message: "Request is missing Authentication Token",
  },
  {
    name: "an algorithm that is none",
    fields: IDENTITY,
    headers: { authorization: "AWS4-HMAC-SHA1 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00" },
    status: 400,
    code: "IncompleteSignature",
    message: "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1' (only AWS4-HMAC-SHA256 for now). ",
  },
  {
    name: "an Authorization without its parameters",
    fields: IDENTITY,
    headers: { authorization: "AWS4-HMAC-SHA256 Credential=a/b/c/d/e" },
    status: 400,
    code: "IncompleteSignature",
    message:
      "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256",
  },
  {
    name: "a signature that is five minutes and a second old",
    fields: IDENTITY,
    headers: { "x-amz-date": "20260115T115459Z" },
    status: 403,
    code: "SignatureDoesNotMatch",
    message: "Signature expired: 20260115T115459Z is now earlier than 20260115T115500Z (20260115T120000Z - 5 min.)",
  },
  {
    name: "a signature of five minutes and a second from now",
    fields: IDENTITY,
    headers: { "x-amz-date": "20260115T120501Z" },
    status: 403,
    code: "SignatureDoesNotMatch",
    message:
      "Signature not yet current: 20260115T120501Z is still later than 20260115T120500Z (20260115T120000Z + 5 min.)",
  },
  {
    name: "a date in another format",
    fields: IDENTITY,
    headers: { "x-amz-date": "yesterday" },
    status: 400,
    code: "IncompleteSignature",
    message: "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601",
  },
  {
    name: "a host that is not signed",
    fields: IDENTITY,
    unsigned: ["host"],
    status: 403,
    code: "SignatureDoesNotMatch",
    message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
  },
  {
    name: "a scope of another region and another service",
    fields: IDENTITY,
    scope: { region: "us-west-2", service: "s3" },
    status: 403,
    code: "SignatureDoesNotMatch",
    message: "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sts'. ",
  },
  {
    name: "a scope of another day",
    fields: IDENTITY,
    scope: { date: "20260114" },
    status: 403,
    code: "SignatureDoesNotMatch",
    message:
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260114' != '20260115', from '20260115T120000Z'. ",
  },
  {
    name: "a declared payload hash of another body",
    fields: IDENTITY,
    payloadHash: "0".repeat(64),
    status: 403,
    code: "SignatureDoesNotMatch",
    message:
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
  },
  {
    name: "an unknown action, before authentication",
    fields: { Action: "GetSessionToken" },
    credentials: { ...KEY, secretAccessKey: "wrong" },
    status: 400,
    code: "InvalidAction",
    message: "Could not find operation GetSessionToken for version 2011-06-15",
  },
  {
    name: "another version",
    fields: { ...IDENTITY, Version: "2000-01-01" },
    status: 400,
    code: "InvalidAction",
    message: "Could not find operation GetCallerIdentity for version 2000-01-01",
  },
];
for (const { name, status, code, message, ...raw } of REFUSED) {
  test(`handleStsRequest() refuses ${name}`, async (t) => {
    const reply = await sendSigned(await startStsHarness(t), raw);
    assert.deepEqual(
      { status: reply.status, code: xmlElement(reply.body, "Code"), message: xmlElement(reply.body, "Message") },
      { status, code, message },
    );
    const namespace =
      code === "InvalidAction"
        ? "http://webservices.amazon.com/AWSFault/2005-15-09"
        : "https://sts.amazonaws.com/doc/2011-06-15/";
    assert.ok(reply.body.startsWith(`<ErrorResponse xmlns="${namespace}">`));
    assert.match(xmlElement(reply.body, "RequestId") ?? "", /^[\da-f-]{36}$/);
  });
}

test("handleStsRequest() redirects requests without an action to AWS's page", async (t) => {
  const harness = await startStsHarness(t);
  assert.equal((await sendSigned(harness, { fields: {} })).status, 302);
  assert.deepEqual(harness.sts.calls.list(), []);
});

test("authenticate() refuses a session token that is sent but not signed", async (t) => {
  const harness = await startStsHarness(t);
  const issued = harness.sts.issueSession({ roleArn: READER, sessionName: "node", durationSeconds: 900 });
  const credentials = {
    accessKeyId: issued.accessKeyId,
    secretAccessKey: issued.secretAccessKey.reveal(),
    sessionToken: issued.sessionToken.reveal(),
  };
  assert.equal((await sendSigned(harness, { fields: IDENTITY, credentials })).status, 200);
  const { status, body } = await sendSigned(harness, {
    fields: IDENTITY,
    credentials,
    unsigned: ["x-amz-security-token"],
  });
  assert.equal(status, 403);
  assert.equal(xmlElement(body, "Code"), "SignatureDoesNotMatch");
});

test("createQueryForm() uses the first of two fields with one name, and lists in the order of their numbers", () => {
  const form = createQueryForm(
    "a=1&a=2&Tags.member.10.Key=j&Tags.member.2.Key=b&Tags.member.2.Value=x+y&Tags.member.x.Key=no",
  );
  assert.equal(form.get("a"), "1");
  assert.equal(form.get("b"), undefined);
  assert.deepEqual(readTags(form), [
    { key: "b", value: "x y" },
    { key: "j", value: "" },
  ]);
});

test("authenticate() accepts any text in a signed query string", async (t) => {
  const harness = await startStsHarness(t);
  const property = fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
    const { status } = await sendSigned(harness, { fields: { ...IDENTITY, Unknown: text }, method: "GET" });
    assert.equal(status, 200);
  });
  await fc.assert(property, { numRuns: 100 });
});
