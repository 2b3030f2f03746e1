import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { readInstanceProfileArn } from "../../../src/server/aws/instance-profile.ts";
import { baseArnOf, detectBaseArn, waitForCallerArn } from "../../../src/server/aws/own-identity.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { startInstanceMetadata } from "../../fakes/instance-metadata.ts";
import { createKeptLog } from "../../fakes/log.ts";

const PARTITIONS = ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"];
const away = async (): Promise<string> => {
  throw new PodroleError("STS_UNAVAILABLE", "Cannot request the server's own identity: none was found");
};

function stage() {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const stopped = new AbortController();
  return { clock, lines, stopped, deps: { clock, log, signal: stopped.signal } };
}

for (const partition of PARTITIONS) {
  test(`detectBaseArn() finds the account by STS in ${partition}, whatever the server is there`, async () => {
    for (const principal of [
      "sts::123456789012:assumed-role/a/b",
      "iam::123456789012:user/a",
      "iam::123456789012:root",
    ]) {
      const callerArn = async () => `arn:${partition}:${principal}`;
      const found = await detectBaseArn({ ...stage().deps, callerArn, instanceProfileArn: away });
      assert.equal(found, `arn:${partition}:iam::123456789012:role/`);
    }
  });

  test(`detectBaseArn() finds the account by the instance profile in ${partition} when STS does not answer`, async (context) => {
    const profile = `arn:${partition}:iam::123456789012:instance-profile/nodes/podrole`;
    const metadata = await startInstanceMetadata(context, { profile });
    const instanceProfileArn = () => readInstanceProfileArn({ fetch }, { endpoint: metadata.url, timeoutMs: 2_000 });
    const found = await detectBaseArn({ ...stage().deps, callerArn: away, instanceProfileArn });
    assert.equal(found, `arn:${partition}:iam::123456789012:role/`);
    assert.deepEqual(metadata.asked(), ["PUT /latest/api/token", "GET /latest/meta-data/iam/info"]);
  });
}

test("detectBaseArn() asks again, ever more slowly, until one of the two answers, and logs why not", async () => {
  const { clock, lines, deps } = stage();
  let answer = away;
  const found = detectBaseArn({ ...deps, callerArn: () => answer(), instanceProfileArn: away });
  await clock.advance(0);
  await clock.advance(4_000);
  assert.equal(lines.length, 2);
  answer = async () => "arn:aws:iam::123456789012:user/a";
  await clock.advance(8_000);
  assert.equal(await found, "arn:aws:iam::123456789012:role/");
});

test("detectBaseArn() gives up when the server stops", async () => {
  const { clock, stopped, deps } = stage();
  const found = detectBaseArn({ ...deps, callerArn: away, instanceProfileArn: away });
  await clock.advance(0);
  stopped.abort();
  assert.equal(await found, undefined);
});

for (const [what, options, words] of [
  ["gives no token", { tokens: "refused" }, /returned no token \(HTTP 403\)/],
  ["has no profile", {}, /no profile \(HTTP 404/],
] as const) {
  test(`readInstanceProfileArn() says so when the instance ${what}`, async (context) => {
    const { url } = await startInstanceMetadata(context, options);
    await assert.rejects(readInstanceProfileArn({ fetch }, { endpoint: url, timeoutMs: 2_000 }), words);
  });
}

test("waitForCallerArn() says each time what was tried, and who the server is once STS tells", async () => {
  const { clock, lines, deps } = stage();
  let answer = away;
  const learned = waitForCallerArn({ ...deps, callerArn: () => answer() });
  await clock.advance(0);
  assert.match(
    JSON.stringify(lines[0]),
    /cannot assume roles yet.*none was found|none was found.*cannot assume roles yet/,
  );
  answer = async () => "arn:aws:iam::123456789012:user/a";
  await clock.advance(4_000);
  assert.equal(await learned, "arn:aws:iam::123456789012:user/a");
  assert.equal(lines.at(-1)?.["callerArn"], "arn:aws:iam::123456789012:user/a");
});

for (const text of [
  "",
  "arn:aws:s3:::bucket",
  "arn:aws:iam::12:user/a",
  "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
]) {
  test(`baseArnOf() knows no account in ${JSON.stringify(text)}`, () => {
    assert.equal(baseArnOf(text), undefined);
  });
}
