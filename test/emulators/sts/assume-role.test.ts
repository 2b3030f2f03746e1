// AssumeRole's fields: what STS refuses before and after it checks the role, with its messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AssumeRoleCommand, type AssumeRoleCommandInput } from "@aws-sdk/client-sts";
import {
  PARTNER,
  READER,
  refusalOf,
  roleArn,
  STS_ACCOUNT,
  sendSigned,
  sessionOf,
  startStsHarness,
  USER_ARN,
  WRITER,
  xmlElement,
} from "./harness.ts";

const GOOD = { RoleArn: READER, RoleSessionName: "ns.pod" };
const tag = (n: number, size = 1) => ({ Key: `key-${n}`, Value: "v".repeat(size) });
const failed = (value: string, path: string, constraint: string) =>
  `1 validation error detected: Value ${value} at '${path}' failed to satisfy constraint: Member must ${constraint}`;

const INVALID: readonly {
  readonly name: string;
  readonly input: Partial<AssumeRoleCommandInput>;
  readonly code?: string;
  readonly message: string;
}[] = [
  {
    name: "a role ARN that is too short",
    input: { RoleArn: "not-an-arn" },
    message: failed("'not-an-arn'", "roleArn", "have length greater than or equal to 20"),
  },
  { name: "a role ARN that is none", input: { RoleArn: "x".repeat(20) }, message: `${"x".repeat(20)} is invalid` },
  {
    name: "a role ARN that is too long",
    input: { RoleArn: "x".repeat(2049) },
    message: failed(`'${"x".repeat(2049)}'`, "roleArn", "have length less than or equal to 2048"),
  },
  {
    name: "a session name of one character",
    input: { RoleSessionName: "a" },
    message: failed("'a'", "roleSessionName", "have length greater than or equal to 2"),
  },
  {
    name: "a session name of 65 characters",
    input: { RoleSessionName: "a".repeat(65) },
    message: failed(`'${"a".repeat(65)}'`, "roleSessionName", "have length less than or equal to 64"),
  },
  {
    name: "a session name with a slash",
    input: { RoleSessionName: "ns/pod" },
    message: failed("'ns/pod'", "roleSessionName", String.raw`satisfy regular expression pattern: [\w+=,.@-]*`),
  },
  {
    name: "two bad fields at once",
    input: { RoleSessionName: "a", DurationSeconds: 1 },
    message:
      "2 validation errors detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; Value '1' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
  },
  {
    name: "899 seconds",
    input: { DurationSeconds: 899 },
    message: failed("'899'", "durationSeconds", "have value greater than or equal to 900"),
  },
  {
    name: "43201 seconds",
    input: { DurationSeconds: 43_201 },
    message: failed("'43201'", "durationSeconds", "have value less than or equal to 43200"),
  },
  {
    name: "an external id with a space",
    input: { ExternalId: "a b" },
    message: failed("'a b'", "externalId", String.raw`satisfy regular expression pattern: [\w+=,.@:\/-]*`),
  },
  {
    name: "a source identity of one character",
    input: { SourceIdentity: "a" },
    message: failed("'a'", "sourceIdentity", "have length greater than or equal to 2"),
  },
  {
    name: "51 tags",
    input: { Tags: Array.from({ length: 51 }, (_, n) => tag(n)) },
    message:
      "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
  },
  {
    name: "a tag value of 257 characters",
    input: { Tags: [tag(1, 257)] },
    message: failed(`'${"v".repeat(257)}'`, "tags.1.member.value", "have length less than or equal to 256"),
  },
  {
    name: "two tags of one key",
    input: {
      Tags: [
        { Key: "Team", Value: "a" },
        { Key: "team", Value: "b" },
      ],
    },
    code: "InvalidParameterValue",
    message: "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
  },
  {
    name: "a policy that is no JSON",
    input: { Policy: "{" },
    code: "MalformedPolicyDocumentException", // the SDK's name for MalformedPolicyDocument
    message: "This policy contains invalid Json",
  },
  {
    name: "a policy ARN that is none",
    input: { PolicyArns: [{ arn: "arn:aws:s3:::not-a-policy" }] },
    message: "ARN arn:aws:s3:::not-a-policy is not valid.",
  },
  {
    name: "a tag key that is reserved",
    input: { Tags: [{ Key: "AWS:x", Value: "" }] },
    code: "InvalidParameterValue",
    message: "Tag keys that begin with 'aws:' are reserved for system use.",
  },
  {
    name: "a transitive key without a tag",
    input: { Tags: [tag(1)], TransitiveTagKeys: ["key-2"] },
    code: "InvalidParameterValue",
    message: "The specified transitive tag key key-2 is not among the tags.",
  },
  {
    name: "a field that is not emulated",
    input: { TokenCode: "123456" },
    code: "InvalidParameterValue",
    message: "TokenCode is not emulated",
  },
];

for (const { name, input, code = "ValidationError", message } of INVALID) {
  test(`readAssumeRole() refuses ${name}`, async (t) => {
    const harness = await startStsHarness(t);
    const refusal = await refusalOf(harness.client().send(new AssumeRoleCommand({ ...GOOD, ...input })));
    assert.deepEqual(refusal, { code, message, status: 400 });
  });
}

const ACCEPTED: readonly { readonly name: string; readonly input: Partial<AssumeRoleCommandInput> }[] = [
  { name: "a session name of 64 characters of every kind", input: { RoleSessionName: "aZ0_+=,.@-".padEnd(64, "b") } },
  { name: "the shortest session", input: { RoleSessionName: "ab", DurationSeconds: 900 } },
  { name: "the longest session", input: { DurationSeconds: 43_200 } },
  { name: "an external ID that the trust policy does not require", input: { ExternalId: "aZ0_+=,.@:/-" } },
  { name: "tags", input: { Tags: [tag(1), { Key: "cluster name", Value: "" }] } },
  { name: "policy ARNs", input: { PolicyArns: [{ arn: "arn:aws:iam::aws:policy/ReadOnlyAccess" }] } },
];
for (const { name, input } of ACCEPTED) {
  test(`assumeRole() accepts ${name}`, async (t) => {
    const harness = await startStsHarness(t);
    const { AssumedRoleUser } = await harness.client().send(new AssumeRoleCommand({ ...GOOD, ...input }));
    assert.equal(
      AssumedRoleUser?.Arn,
      `arn:aws:sts::${STS_ACCOUNT}:assumed-role/reader/${input.RoleSessionName ?? "ns.pod"}`,
    );
  });
}

test("readAssumeRole() reads a duration as a signed number of 32 bits", async (t) => {
  const harness = await startStsHarness(t);
  const send = (DurationSeconds: string) =>
    sendSigned(harness, { fields: { Action: "AssumeRole", ...GOOD, DurationSeconds } });
  for (const good of ["+900", "0900"]) assert.equal((await send(good)).status, 200, good);
  for (const bad of ["abc", "900.0", "2147483648"]) {
    const { status, body } = await send(bad);
    assert.deepEqual(
      [status, xmlElement(body, "Code"), xmlElement(body, "Message")],
      [400, "MalformedInput", undefined],
      bad,
    );
  }
});

test("assumeRole() requires the external ID that the trust policy names", async (t) => {
  const harness = await startStsHarness(t);
  const assume = (ExternalId?: string) =>
    harness
      .client()
      .send(new AssumeRoleCommand({ RoleArn: PARTNER, RoleSessionName: "ns.pod", ...(ExternalId && { ExternalId }) }));
  await assume("abc/42");
  for (const wrong of [undefined, "abc/43"]) {
    const { code, message } = await refusalOf(assume(wrong));
    assert.equal(code, "AccessDenied");
    assert.equal(message, `User: ${USER_ARN} is not authorized to perform: sts:AssumeRole on resource: ${PARTNER}`);
  }
});

test("assumeRole() requires sts:TagSession for tags that are passed or inherited", async (t) => {
  const harness = await startStsHarness(t);
  const passed = harness
    .client()
    .send(new AssumeRoleCommand({ RoleArn: PARTNER, RoleSessionName: "ns.pod", ExternalId: "abc/42", Tags: [tag(1)] }));
  assert.equal(
    (await refusalOf(passed)).message,
    `User: ${USER_ARN} is not authorized to perform: sts:TagSession on resource: ${PARTNER}`,
  );
  const first = await harness
    .client()
    .send(new AssumeRoleCommand({ ...GOOD, Tags: [tag(1)], TransitiveTagKeys: ["key-1"] }));
  const chained = harness
    .client(sessionOf(first))
    .send(new AssumeRoleCommand({ RoleArn: WRITER, RoleSessionName: "ns.pod" }));
  assert.match((await refusalOf(chained)).message, /is not authorized to perform: sts:TagSession on resource: /);
});

test("assumeRole() refuses to override an inherited tag", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.roles.put({ arn: WRITER, trust: { principals: [READER], tagSession: true } });
  const first = await harness
    .client()
    .send(new AssumeRoleCommand({ ...GOOD, Tags: [tag(1)], TransitiveTagKeys: ["KEY-1"] }));
  const chained = (n: number) =>
    harness
      .client(sessionOf(first))
      .send(new AssumeRoleCommand({ RoleArn: WRITER, RoleSessionName: "ns.pod", Tags: [tag(n)] }));
  assert.ok((await chained(2)).Credentials);
  assert.equal((await refusalOf(chained(1))).code, "InvalidParameterValue");
});

test("assumeRole() checks the role's own maximum first, then the hour of chained sessions", async (t) => {
  const harness = await startStsHarness(t);
  const first = await harness.client().send(new AssumeRoleCommand(GOOD));
  const chained = (DurationSeconds: number) =>
    harness
      .client(sessionOf(first))
      .send(new AssumeRoleCommand({ RoleArn: WRITER, RoleSessionName: "ns.pod", DurationSeconds }));
  await chained(3600);
  assert.deepEqual(await refusalOf(chained(3601)), {
    code: "ValidationError",
    status: 400,
    message: "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
  });
  assert.deepEqual(await refusalOf(chained(7201)), {
    code: "ValidationError",
    status: 400,
    message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
  });
});

test("assumeRole() passes a source identity on and refuses to change it", async (t) => {
  const harness = await startStsHarness(t);
  const { roles } = harness.sts;
  roles.put({ arn: READER, trust: { principals: [USER_ARN] } });
  const named = () => harness.client().send(new AssumeRoleCommand({ ...GOOD, SourceIdentity: "alice" }));
  assert.match((await refusalOf(named())).message, /is not authorized to perform: sts:SetSourceIdentity on resource: /);

  roles.put({ arn: READER, trust: { principals: [USER_ARN], setSourceIdentity: true } });
  roles.put({ arn: WRITER, trust: { principals: [READER], setSourceIdentity: true } });
  const first = await named();
  assert.equal(first.SourceIdentity, "alice");
  const chained = (SourceIdentity?: string) =>
    harness.client(sessionOf(first)).send(
      new AssumeRoleCommand({
        RoleArn: WRITER,
        RoleSessionName: "ns.pod",
        ...(SourceIdentity && { SourceIdentity }),
      }),
    );
  assert.equal((await chained()).SourceIdentity, "alice");
  assert.equal(
    (await refusalOf(chained("mallory"))).message,
    "The source identity is already set for this assume role session",
  );
});

test("assumeRole() reports the packed size and refuses one that is too large", async (t) => {
  const harness = await startStsHarness(t);
  const random = (n: number) => ({
    Key: `key-${n}`,
    Value: Array.from({ length: 200 }, (_, i) => ((n * 7919 + i * i * 31) % 36).toString(36)).join(""),
  });
  const few = await harness.client().send(new AssumeRoleCommand({ ...GOOD, Tags: [tag(1)] }));
  assert.ok((few.PackedPolicySize ?? 0) > 0 && (few.PackedPolicySize ?? 0) < 50);
  const many = harness
    .client()
    .send(new AssumeRoleCommand({ ...GOOD, Tags: Array.from({ length: 50 }, (_, n) => random(n)) }));
  const { code, message, status } = await refusalOf(many);
  assert.equal(code, "PackedPolicyTooLargeException");
  assert.equal(status, 400);
  assert.match(message, /^Packed size of session tags consumes \d+% of allotted space\.$/);
});

test("roles.put() refuses text that is not a role's ARN", async (t) => {
  const { sts } = await startStsHarness(t);
  assert.throws(() => sts.roles.put({ arn: USER_ARN, trust: { principals: [] } }), /^Error: Cannot /);
  sts.roles.put({ arn: roleArn("a/b/c"), trust: { principals: [STS_ACCOUNT] } });
  assert.equal(sts.roles.get(roleArn("a/b/c"))?.name, "c");
});

const PRINCIPALS: readonly { readonly principal: string; readonly trusted: boolean }[] = [
  { principal: "*", trusted: true },
  { principal: STS_ACCOUNT, trusted: true },
  { principal: `arn:aws:iam::${STS_ACCOUNT}:root`, trusted: true },
  { principal: USER_ARN, trusted: true },
  { principal: "arn:aws:iam::999999999999:root", trusted: false },
  { principal: `arn:aws:iam::${STS_ACCOUNT}:user/podrole2`, trusted: false },
  { principal: `arn:aws:iam::${STS_ACCOUNT}:user/*`, trusted: false },
];
for (const { principal, trusted } of PRINCIPALS) {
  test(`deniedAction() ${trusted ? "accepts the user by" : "denies the user for a role that trusts"} ${principal}`, async (t) => {
    const harness = await startStsHarness(t);
    harness.sts.roles.put({ arn: READER, trust: { principals: [principal] } });
    const sent = harness.client().send(new AssumeRoleCommand(GOOD));
    if (trusted) assert.ok((await sent).Credentials);
    else assert.equal((await refusalOf(sent)).code, "AccessDenied");
  });
}
