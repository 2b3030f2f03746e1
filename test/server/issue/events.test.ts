import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodEvent } from "../../../src/kubernetes/api.ts";
import { ERRORS, type ErrorCode } from "../../../src/protocol/errors.ts";
import { createRefusalRecorder } from "../../../src/server/issue/events.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const POD = { trustDomain: "cluster.local", namespace: "team", serviceAccount: "app", name: "web", uid: "u-1" };

function setUp(fails = false) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const written: PodEvent[] = [];
  const recorded: ErrorCode[] = [];
  const recordEvent = async (event: PodEvent) => {
    if (fails) throw new TypeError("the API server is unavailable");
    written.push(event);
  };
  const record = createRefusalRecorder({
    kubernetes: { recordEvent },
    clock,
    log,
    onRecorded: ({ code }) => recorded.push(code),
  });
  return { clock, lines, written, recorded, record };
}

test("createRefusalRecorder() records a warning on the pod, with the code as its reason and the remedy", async () => {
  const { clock, written, recorded, record } = setUp();
  record(POD, { code: "ROLE_FORBIDDEN", message: "Cannot give role" });
  await clock.advance(0);
  assert.deepEqual(written, [
    {
      namespace: "team",
      pod: { name: "web", uid: "u-1" },
      type: "Warning",
      reason: "ROLE_FORBIDDEN",
      message: `Cannot give role -- ${ERRORS.ROLE_FORBIDDEN.remedy}`,
    },
  ]);
  assert.deepEqual(recorded, ["ROLE_FORBIDDEN"]);
});

test("createRefusalRecorder() records the same message once in ten minutes, and another pod or reason at once", async () => {
  const { clock, written, record } = setUp();
  const refusal = { code: "ROLE_FORBIDDEN", message: "Cannot give role" } as const;
  for (let times = 0; times < 3; times++) record(POD, refusal);
  record({ ...POD, uid: "u-2" }, refusal);
  record(POD, { code: "STS_DENIED", message: "Cannot assume role" });
  await clock.advance(0);
  assert.equal(written.length, 3);
  await clock.advance(10 * 60_000);
  record(POD, refusal);
  await clock.advance(0);
  assert.equal(written.length, 4);
});

test("createRefusalRecorder() records a message again after ten minutes, also if the clock was set back meanwhile", async () => {
  const { clock, written, record } = setUp();
  const refusal = { code: "ROLE_FORBIDDEN", message: "Cannot give role" } as const;
  record(POD, refusal);
  clock.step(-2 * 60 * 60_000);
  await clock.advance(10 * 60_000);
  record(POD, refusal);
  await clock.advance(0);
  assert.equal(written.length, 2);
});

for (const [code, count] of [
  ["STS_THROTTLED", 0],
  ["KUBERNETES_UNAVAILABLE", 0],
  ["STS_UNAVAILABLE", 1],
] as const) {
  test(`createRefusalRecorder() records ${count === 0 ? "nothing" : "an Event"} for ${code}`, async () => {
    const { clock, written, record } = setUp();
    record(POD, { code, message: "later" });
    await clock.advance(0);
    assert.equal(written.length, count);
  });
}

test("createRefusalRecorder() logs a warning when an Event cannot be recorded, and does not throw", async () => {
  const { clock, lines, recorded, record } = setUp(true);
  record(POD, { code: "ROLE_FORBIDDEN", message: "Cannot give role" });
  await clock.advance(0);
  assert.deepEqual(recorded, []);
  assert.equal(lines[0]?.["code"], "ROLE_FORBIDDEN");
});

test("createRefusalRecorder() records at most three messages per pod and reason, because some of STS's contain the time", async () => {
  const { clock, written, record } = setUp();
  for (let attempt = 0; attempt < 20; attempt++)
    record(POD, { code: "STS_UNAVAILABLE", message: `token of ${attempt}` });
  record(POD, { code: "STS_DENIED", message: "another reason" });
  await clock.advance(0);
  assert.equal(written.length, 4);
});

test("createRefusalRecorder() limits Events when every pod is refused at once, and records the others later", async () => {
  const { clock, written, record } = setUp();
  const refuseAll = () => {
    for (let pod = 0; pod < 500; pod++) record({ ...POD, uid: `u-${pod}` }, { code: "STS_DENIED", message: "no" });
  };
  refuseAll();
  await clock.advance(0);
  assert.equal(written.length, 50);
  await clock.advance(60_000);
  assert.equal(written.length, 350, "300 waited, and were written in a minute; 150 were dropped");
  await clock.advance(60_000);
  assert.equal(written.length, 350);
  refuseAll();
  await clock.advance(60_000);
  assert.equal(written.length, 500);
  assert.equal(new Set(written.map(({ pod }) => pod.uid)).size, 500, "no pod gets two Events");
});

test("createRefusalRecorder() writes Events of namespaces in turns: one with many refused pods delays no other", async () => {
  const { clock, written, record } = setUp();
  const refusal = { code: "ROLE_FORBIDDEN", message: "Cannot give role" } as const;
  const ofHonest = () => written.filter(({ namespace }) => namespace === "team").map(({ pod }) => pod.uid);
  for (let pod = 0; pod < 600; pod++) record({ ...POD, namespace: "hostile", uid: `h-${pod}` }, refusal);
  for (const uid of ["u-1", "u-2"]) record({ ...POD, uid }, refusal);
  await clock.advance(800);
  assert.deepEqual(ofHonest(), ["u-1", "u-2"]);
  assert.equal(written.length, 54, "all namespaces together have the same rate");
});

test("createRefusalRecorder() forgets a dropped Event, so that the pod's next refusal records it", async () => {
  const { clock, written, record } = setUp();
  const refusal = { code: "ROLE_FORBIDDEN", message: "Cannot give role" } as const;
  for (let pod = 0; pod < 351; pod++) record({ ...POD, uid: `u-${pod}` }, refusal);
  await clock.advance(60_000);
  const hasEvent = () => written.some(({ pod }) => pod.uid === "u-350");
  assert.equal(hasEvent(), false, "the newest of 301 that wait is dropped");
  record({ ...POD, uid: "u-350" }, refusal);
  await clock.advance(200);
  assert.equal(hasEvent(), true);
});

test("createRefusalRecorder() cuts a long message, and never the remedy", async () => {
  const { clock, written, record } = setUp();
  record(POD, { code: "STS_DENIED", message: "é".repeat(5_000) });
  await clock.advance(0);
  const { message = "" } = written[0] ?? {};
  assert.ok(Buffer.byteLength(message) <= 1024, message);
  assert.ok(message.endsWith(`é... -- ${ERRORS.STS_DENIED.remedy}`), message);
});

test("createRefusalRecorder() records a retryable refusal only if a pod waits for its first credentials", async () => {
  const { clock, recorded, record } = setUp();
  const throttled = { code: "STS_THROTTLED", message: "Cannot assume role" } as const;
  record(POD, throttled);
  await clock.advance(0);
  assert.deepEqual(recorded, []);
  record(POD, throttled, { isWaiting: true });
  await clock.advance(0);
  assert.equal(recorded.length, 1);
});
