import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { logStsOutages } from "../../../src/server/aws/sts-outage-log.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/a", sessionName: "ns.pod", durationSeconds: 3600 };

function setUp(error: Error) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  return { clock, lines, assumeRole: logStsOutages({ clock, log, assumeRole: () => Promise.reject(error) }) };
}

test("logStsOutages() logs once a minute why STS is unavailable, with the cause, and rethrows the error", async () => {
  const cause = new RangeError("tried: exit code 3; expected one of");
  const outage = new PodroleError("STS_UNAVAILABLE", "Cannot assume role a: the server's own AWS credentials", {
    cause,
  });
  const { clock, lines, assumeRole } = setUp(outage);
  for (let call = 0; call < 5; call++) await assert.rejects(assumeRole(INPUT), outage);
  assert.equal(lines.length, 1);
  assert.match(JSON.stringify(lines[0]), /exit code 3/);
  await clock.advance(60_000);
  await assert.rejects(assumeRole(INPUT), outage);
  assert.equal(lines[1]?.["times"], 5);
});

test("logStsOutages() does not log denials by STS: they are in the audit trail", async () => {
  const denied = new PodroleError("STS_DENIED", "Cannot assume role a: AccessDenied");
  const { lines, assumeRole } = setUp(denied);
  await assert.rejects(assumeRole(INPUT), denied);
  assert.deepEqual(lines, []);
});

test("logStsOutages() logs an expired session once a minute", async () => {
  const expired = new PodroleError("SESSION_EXPIRED", "Cannot assume role a: it expired");
  const { lines, assumeRole } = setUp(expired);
  for (let call = 0; call < 5; call++) await assert.rejects(assumeRole(INPUT), expired);
  assert.deepEqual(
    lines.map(({ code }) => code),
    ["SESSION_EXPIRED"],
  );
});
