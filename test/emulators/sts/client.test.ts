// The AWS SDK for JavaScript against the emulator: accepted requests, and the SDK's errors for refused ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import {
  type AccessKeyPair,
  KEY,
  READER,
  refusalOf,
  roleArn,
  STS_ACCOUNT,
  STS_REGION,
  sessionOf,
  startStsHarness,
  USER_ARN,
  WRITER,
} from "./harness.ts";

async function assumed(
  client: STSClient,
  RoleArn: string,
  RoleSessionName = "ns.pod",
): Promise<Required<AccessKeyPair>> {
  return sessionOf(await client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName })));
}

test("AssumeRole returns a session that GetCallerIdentity names without the role's path", async (t) => {
  const harness = await startStsHarness(t);
  const command = new AssumeRoleCommand({ RoleArn: READER, RoleSessionName: "ns.pod", DurationSeconds: 900 });
  const { Credentials, AssumedRoleUser, PackedPolicySize } = await harness.client().send(command);

  assert.match(Credentials?.AccessKeyId ?? "", /^ASIA[A-Z2-7]{16}$/);
  assert.equal(Credentials?.SecretAccessKey?.length, 40);
  assert.ok((Credentials?.SessionToken?.length ?? 0) > 300);
  assert.equal(Credentials?.Expiration?.getTime(), harness.clock.now() + 900_000);
  assert.equal(AssumedRoleUser?.Arn, `arn:aws:sts::${STS_ACCOUNT}:assumed-role/reader/ns.pod`);
  assert.equal(PackedPolicySize, undefined);

  const session = await assumed(harness.client(), READER);
  const identity = await harness.client(session).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Arn, AssumedRoleUser?.Arn);
  assert.equal(identity.Account, STS_ACCOUNT);
  assert.match(identity.UserId ?? "", /^AROA[A-Z2-7]{17}:ns\.pod$/);
});

test("GetCallerIdentity names the user of a long-term key", async (t) => {
  const harness = await startStsHarness(t);
  const { Arn, UserId } = await harness.client().send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, USER_ARN);
  assert.match(UserId ?? "", /^AIDA[A-Z2-7]{17}$/);
});

test("AssumeRole of a role that trusts a role works only with that role's session", async (t) => {
  const harness = await startStsHarness(t);
  const session = await assumed(harness.client(), READER);
  const writer = await assumed(harness.client(session), WRITER);
  const { Arn } = await harness.client(writer).send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws:sts::${STS_ACCOUNT}:assumed-role/writer/ns.pod`);

  assert.deepEqual(await refusalOf(assumed(harness.client(), WRITER)), {
    code: "AccessDenied",
    status: 403,
    message: `User: ${USER_ARN} is not authorized to perform: sts:AssumeRole on resource: ${WRITER}`,
  });
  assert.deepEqual(await refusalOf(assumed(harness.client(writer), READER)), {
    code: "AccessDenied",
    status: 403,
    message: `User: ${Arn} is not authorized to perform: sts:AssumeRole on resource: ${READER}`,
  });
});

test("AssumeRole of a role that does not exist is denied with the same message as one that does not trust the caller", async (t) => {
  const harness = await startStsHarness(t);
  const missing = roleArn("missing");
  const { code, message } = await refusalOf(assumed(harness.client(), missing));
  assert.equal(code, "AccessDenied");
  assert.equal(message, `User: ${USER_ARN} is not authorized to perform: sts:AssumeRole on resource: ${missing}`);
});

const BAD_CREDENTIALS: readonly {
  readonly name: string;
  readonly change: (session: Required<AccessKeyPair>) => AccessKeyPair;
  readonly code: string;
}[] = [
  { name: "a wrong secret", change: (s) => ({ ...s, secretAccessKey: "x".repeat(40) }), code: "SignatureDoesNotMatch" },
  {
    name: "an unknown key id",
    change: (s) => ({ ...s, accessKeyId: "ASIA0000000000000000" }),
    code: "InvalidClientTokenId",
  },
  {
    name: "no session token",
    change: ({ accessKeyId, secretAccessKey }) => ({ accessKeyId, secretAccessKey }),
    code: "InvalidClientTokenId",
  },
  {
    name: "another token",
    change: (s) => ({ ...s, sessionToken: `${s.sessionToken}x` }),
    code: "InvalidClientTokenId",
  },
  {
    name: "another token and a wrong secret",
    change: (s) => ({ ...s, sessionToken: "x", secretAccessKey: "x" }),
    code: "InvalidClientTokenId",
  },
  {
    name: "a token beside a long-term key",
    change: () => ({ ...KEY, sessionToken: "x" }),
    code: "InvalidClientTokenId",
  },
];

for (const { name, change, code } of BAD_CREDENTIALS) {
  test(`authenticate() returns ${code} for ${name}`, async (t) => {
    const harness = await startStsHarness(t);
    const session = await assumed(harness.client(), READER);
    const refusal = await refusalOf(harness.client(change(session)).send(new GetCallerIdentityCommand({})));
    assert.equal(refusal.code, code);
    assert.equal(refusal.status, 403);
  });
}

test("authenticate() returns ExpiredToken from the second of expiry on, before it checks the signature", async (t) => {
  const harness = await startStsHarness(t);
  const session = await assumed(harness.client(), READER);
  await harness.clock.advance(3_599_000);
  await harness.client(session).send(new GetCallerIdentityCommand({}));
  await harness.clock.advance(1000);
  for (const credentials of [session, { ...session, secretAccessKey: "wrong" }]) {
    assert.deepEqual(await refusalOf(harness.client(credentials).send(new GetCallerIdentityCommand({}))), {
      code: "ExpiredToken",
      status: 403,
      message: "The security token included in the request is expired",
    });
  }
});

test("authenticate() refuses a signature for another region with STS's message", async (t) => {
  const harness = await startStsHarness(t);
  assert.deepEqual(await refusalOf(harness.client(KEY, "us-east-1").send(new GetCallerIdentityCommand({}))), {
    code: "SignatureDoesNotMatch",
    status: 403,
    message: "Credential should be scoped to a valid region. ",
  });
});

test("authenticate() ends the sessions of a role that is removed, even if one of the same ARN is created later", async (t) => {
  const harness = await startStsHarness(t);
  const session = await assumed(harness.client(), READER);
  harness.sts.roles.put({ arn: READER, trust: { principals: [] } });
  await harness.client(session).send(new GetCallerIdentityCommand({}));

  harness.sts.roles.remove(READER);
  harness.sts.roles.put({ arn: READER, trust: { principals: [USER_ARN] } });
  const { code } = await refusalOf(harness.client(session).send(new GetCallerIdentityCommand({})));
  assert.equal(code, "InvalidClientTokenId");
});

test("createStsEmulator() sends its time, so that the SDK corrects a clock that is wrong by an hour", async (t) => {
  const harness = await startStsHarness(t);
  const client = new STSClient({
    region: STS_REGION,
    endpoint: harness.sts.url,
    credentials: KEY,
    systemClockOffset: harness.clock.now() - Date.now() + 3_600_000,
    maxAttempts: 2,
  });
  t.after(() => client.destroy());
  assert.equal((await client.send(new GetCallerIdentityCommand({}))).Arn, USER_ARN);
  assert.deepEqual(
    harness.sts.calls.list().map(({ outcome }) => outcome),
    ["SignatureDoesNotMatch", "ok"],
  );
});

test("issueSession() returns credentials of a session without a caller", async (t) => {
  const harness = await startStsHarness(t);
  const issued = harness.sts.issueSession({ roleArn: READER, sessionName: "i-0123456789", durationSeconds: 21_600 });
  const client = harness.client({
    accessKeyId: issued.accessKeyId,
    secretAccessKey: issued.secretAccessKey.reveal(),
    sessionToken: issued.sessionToken.reveal(),
  });
  const { Arn } = await client.send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws:sts::${STS_ACCOUNT}:assumed-role/reader/i-0123456789`);
  assert.throws(
    () => harness.sts.issueSession({ roleArn: roleArn("missing"), sessionName: "x", durationSeconds: 900 }),
    /^Error: Cannot /,
  );
});
