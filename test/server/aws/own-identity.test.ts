import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { readInstanceProfileArn } from "../../../src/server/aws/instance-profile.ts";
import { baseArnOf, detectBaseArn, waitForCallerArn } from "../../../src/server/aws/own-identity.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { startInstanceMetadata } from "../../fakes/instance-metadata.ts";
import { createKeptLog } from "../../fakes/log.ts";

const PARTITIONS = ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"];
const unavailable = async (): Promise<string> => {
  throw new PodroleError("STS_UNAVAILABLE", "Cannot request the server's own identity: none was found");
};

function setUp() {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const stopped = new AbortController();
  return { clock, lines, stopped, deps: { clock, log, signal: stopped.signal } };
}

for (const partition of PARTITIONS) {
  test(`detectBaseArn() finds the account by STS in ${partition}, for each kind of principal`, async () => {
    for (const principal of [
      "sts::123456789012:assumed-role/a/b",
      "iam::123456789012:user/a",
      "iam::123456789012:root",
    ]) {
      const callerArn = async () => `arn:${partition}:${principal}`;
      const found = await detectBaseArn({ ...setUp().deps, callerArn, instanceProfileArn: unavailable });
      assert.equal(found, `arn:${partition}:iam::123456789012:role/`);
    }
  });

  test(`detectBaseArn() finds the account by the instance profile in ${partition} when STS does not answer`, async (context) => {
    const profile = `arn:${partition}:iam::123456789012:instance-profile/nodes/podrole`;
    const metadata = await startInstanceMetadata(context, { profile });
    const instanceProfileArn = () => readInstanceProfileArn({ fetch }, { endpoint: metadata.url, timeoutMs: 2_000 });
    const found = await detectBaseArn({ ...setUp().deps, callerArn: unavailable, instanceProfileArn });
    assert.equal(found, `arn:${partition}:iam::123456789012:role/`);
    assert.deepEqual(metadata.requests(), ["PUT /latest/api/token", "GET /latest/meta-data/iam/info"]);
  });
}

test("detectBaseArn() retries with back-off until one source answers, and logs each failure", async () => {
  const { clock, lines, deps } = setUp();
  let answer = unavailable;
  const found = detectBaseArn({ ...deps, callerArn: () => answer(), instanceProfileArn: unavailable });
  await clock.advance(0);
  await clock.advance(4_000);
  assert.equal(lines.length, 2);
  answer = async () => "arn:aws:iam::123456789012:user/a";
  await clock.advance(8_000);
  assert.equal(await found, "arn:aws:iam::123456789012:role/");
});

test("detectBaseArn() resolves with undefined when the server stops", async () => {
  const { clock, stopped, deps } = setUp();
  const found = detectBaseArn({ ...deps, callerArn: unavailable, instanceProfileArn: unavailable });
  await clock.advance(0);
  stopped.abort();
  assert.equal(await found, undefined);
});

for (const [what, options, message] of [
  ["returns no token", { tokens: "refused" }, /returned no token \(HTTP 403\)/],
  ["has no profile", {}, /no profile \(HTTP 404/],
] as const) {
  test(`readInstanceProfileArn() rejects with the reason when the instance ${what}`, async (context) => {
    const { url } = await startInstanceMetadata(context, options);
    await assert.rejects(readInstanceProfileArn({ fetch }, { endpoint: url, timeoutMs: 2_000 }), message);
  });
}

test("waitForCallerArn() logs each failure with its cause, and the ARN once STS returns it", async () => {
  const { clock, lines, deps } = setUp();
  let answer = unavailable;
  const found = waitForCallerArn({ ...deps, callerArn: () => answer() });
  await clock.advance(0);
  assert.match(
    JSON.stringify(lines[0]),
    /cannot assume roles yet.*none was found|none was found.*cannot assume roles yet/,
  );
  answer = async () => "arn:aws:iam::123456789012:user/a";
  await clock.advance(4_000);
  assert.equal(await found, "arn:aws:iam::123456789012:user/a");
  assert.equal(lines.at(-1)?.["callerArn"], "arn:aws:iam::123456789012:user/a");
});

for (const text of [
  "",
  "arn:aws:s3:::bucket",
  "arn:aws:iam::12:user/a",
  "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
]) {
  test(`baseArnOf() returns undefined for ${JSON.stringify(text)}`, () => {
    assert.equal(baseArnOf(text), undefined);
  });
}
