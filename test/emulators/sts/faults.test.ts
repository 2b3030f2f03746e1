// Faults on demand, and the record of calls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AssumeRoleCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { createStsEmulator } from "../../../emulators/sts/emulator.ts";
import type { Fault } from "../../../emulators/sts/faults.ts";
import { HOUR_MS, systemClock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { KEY, PARTNER, READER, refusalOf, STS_REGION, startStsHarness, USER_ARN } from "./harness.ts";

const ASSUME = { RoleArn: READER, RoleSessionName: "ns.pod" };

const FAULTS: readonly {
  readonly fault: Fault;
  readonly code: string;
  readonly status: number;
  readonly message: string;
}[] = [
  { fault: { kind: "throttle" }, code: "Throttling", status: 400, message: "Rate exceeded" },
  {
    fault: { kind: "deny" },
    code: "AccessDenied",
    status: 403,
    message: `User: ${USER_ARN} is not authorized to perform: sts:AssumeRole on resource: ${READER}`,
  },
  {
    fault: { kind: "expired" },
    code: "ExpiredToken",
    status: 403,
    message: "The security token included in the request is expired",
  },
  {
    fault: { kind: "error", status: 500 },
    code: "InternalFailure",
    status: 500,
    message: "The request processing has failed because of an unknown error, exception or failure.",
  },
  {
    fault: { kind: "error", status: 503 },
    code: "ServiceUnavailable",
    status: 503,
    message: "The request has failed due to a temporary failure of the server.",
  },
];

for (const { fault, code, status, message } of FAULTS) {
  test(`faults.set() makes the next call fail with ${code}, and the one after it succeed`, async (t) => {
    const harness = await startStsHarness(t);
    harness.sts.faults.set(fault, { calls: 1 });
    assert.deepEqual(await refusalOf(harness.client().send(new AssumeRoleCommand(ASSUME))), { code, status, message });
    assert.ok((await harness.client().send(new AssumeRoleCommand(ASSUME))).Credentials);
  });
}

test("faults.set() lasts until faults.clear() without a number of calls", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.faults.set({ kind: "throttle" });
  for (let call = 0; call < 3; call++) {
    assert.equal((await refusalOf(harness.client().send(new AssumeRoleCommand(ASSUME)))).code, "Throttling");
  }
  harness.sts.faults.clear();
  assert.ok((await harness.client().send(new AssumeRoleCommand(ASSUME))).Credentials);
});

test("faults.set() of kind skew sets the clock by which STS verifies, answers and issues", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.faults.set({ kind: "skew", ms: 2 * HOUR_MS });
  const client = harness.client();
  const assume = () => client.send(new AssumeRoleCommand(ASSUME));
  assert.equal((await refusalOf(assume())).code, "SignatureDoesNotMatch");
  // The SDK has corrected its clock by the date of the answer.
  const { Credentials: credentials } = await assume();
  const expiresInMs = (credentials?.Expiration?.getTime() ?? 0) - harness.clock.now();
  assert.ok(expiresInMs > 2 * HOUR_MS, `${expiresInMs}`);
  assert.deepEqual(
    harness.sts.calls.list().map(({ outcome }) => outcome),
    ["SignatureDoesNotMatch", "ok"],
  );
});

test("faults.set() of one role does not affect other roles and GetCallerIdentity", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.faults.set({ kind: "throttle" }, { roleArn: READER });
  await harness.client().send(new GetCallerIdentityCommand({}));
  await harness
    .client()
    .send(new AssumeRoleCommand({ RoleArn: PARTNER, RoleSessionName: "ns.pod", ExternalId: "abc/42" }));
  assert.equal((await refusalOf(harness.client().send(new AssumeRoleCommand(ASSUME)))).code, "Throttling");
});

test("faults.set() of kind down resets the connection", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.faults.set({ kind: "down" }, { calls: 1 });
  const { status, message } = await refusalOf(harness.client().send(new AssumeRoleCommand(ASSUME)));
  assert.equal(status, 0);
  assert.match(message, /ECONNRESET|socket hang up/);
  assert.deepEqual(
    harness.sts.calls.list().map(({ outcome }) => outcome),
    ["down"],
  );
});

test("faults.set() of kind stall delays the response by the emulator's clock", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.faults.set({ kind: "stall", ms: 5000 }, { calls: 1 });
  let answered = false;
  const sent = harness
    .client()
    .send(new AssumeRoleCommand(ASSUME))
    .then(() => (answered = true));
  await harness.stalled;
  await harness.clock.advance(4999);
  assert.equal(answered, false);
  await harness.clock.advance(1);
  await sent;
});

test("close() ends a stalled call instead of waiting for it", async (t) => {
  const harness = await startStsHarness(t);
  harness.sts.faults.set({ kind: "stall", ms: 5000 });
  const sent = refusalOf(harness.client().send(new AssumeRoleCommand(ASSUME)));
  await harness.stalled;
  await harness.sts.close();
  assert.equal((await sent).status, 0);
});

test("calls.list() records caller, request and issued key, and no secret", async (t) => {
  const harness = await startStsHarness(t);
  const answered = await harness.client().send(
    new AssumeRoleCommand({
      ...ASSUME,
      DurationSeconds: 900,
      ExternalId: "xyz",
      Tags: [{ Key: "pod", Value: "a b" }],
    }),
  );
  await refusalOf(harness.client().send(new AssumeRoleCommand({ ...ASSUME, RoleArn: PARTNER })));
  const [first, second] = harness.sts.calls.assumed();
  assert.deepEqual(first, {
    at: harness.clock.now(),
    action: "AssumeRole",
    outcome: "ok",
    callerArn: USER_ARN,
    callerAccessKeyId: KEY.accessKeyId,
    roleArn: READER,
    sessionName: "ns.pod",
    durationSeconds: 900,
    externalId: "xyz",
    sourceIdentity: undefined,
    tags: [{ key: "pod", value: "a b" }],
    transitiveTagKeys: [],
    policyArns: [],
    accessKeyId: answered.Credentials?.AccessKeyId,
  });
  assert.equal(second?.outcome, "AccessDenied");
  assert.equal(second?.accessKeyId, undefined);
  const text = JSON.stringify(harness.sts.calls.list());
  assert.ok(!text.includes(answered.Credentials?.SecretAccessKey ?? "none"));
  assert.deepEqual(harness.sts.calls.assumed(PARTNER), [second]);
  harness.sts.calls.clear();
  assert.deepEqual(harness.sts.calls.list(), []);
});

test("createStsEmulator() has no url before listen()", async (t) => {
  assert.match((await startStsHarness(t)).sts.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.throws(() => createStsEmulator({ clock: systemClock }, { region: STS_REGION }).url, /^Error: Cannot /);
});

test("createStsEmulator() refuses a key without a principal", () => {
  const key = { accessKeyId: "AKIA", secretAccessKey: new Secret("x"), arn: "podrole" };
  assert.throws(
    () => createStsEmulator({ clock: systemClock }, { region: STS_REGION, keys: [key] }),
    /^Error: Cannot /,
  );
});
