// Pods of several namespaces share a session, as with a session name that does not name the pod. One pod asks for many
// roles that STS denies and so uses up its share of the calls to STS; the shared session of the others must not wait
// for it. Cache and limiter as in the server; the clock is fake, so that every run is the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createCredentialCache, type RequestingPod } from "../../../src/server/aws/credential-cache.ts";
import type { AssumeRole } from "../../../src/server/aws/sts.ts";
import { createStsLimiter } from "../../../src/server/aws/sts-limiter.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const BASE_ARN = "arn:aws:iam::123456789012:role/";
const HOSTILE = pod("hostile", "h");
const STEP_MS = 50;

function pod(namespace: string, uid: string): RequestingPod {
  return { namespace, uid, circumstances: uid };
}

const session = (role: string) => ({ roleArn: `${BASE_ARN}${role}`, sessionName: "cluster", durationSeconds: 3600 });

function setUp() {
  const clock = createFakeClock();
  const made: string[] = [];
  let fault: PodroleError | undefined;
  const assumeRole: AssumeRole = async ({ roleArn }) => {
    made.push(roleArn.slice(BASE_ARN.length));
    await new Promise<void>((resolve) => void clock.schedule(resolve, 20));
    if (fault) throw fault;
    if (roleArn.includes("denied")) throw new PodroleError("STS_DENIED", "no");
    const secret = new Secret("s");
    const issuedAtMs = clock.now();
    const times = { issuedAtMs, expiresAtMs: issuedAtMs + 3_600_000 };
    return { accessKeyId: `A${made.length}`, secretAccessKey: secret, sessionToken: secret, ...times };
  };
  const limiter = createStsLimiter({ clock, assumeRole, onLimited: () => {} }, { ratePerSecond: 10, burst: 1 });
  const cache = createCredentialCache({ clock, assumeRole: limiter.assumeRole }, { capacity: 50_000 });
  const get = (requestingPod: RequestingPod, role = "shared") =>
    cache.get(session(role), requestingPod).then(
      ({ credentials }) => credentials.accessKeyId,
      (error: PodroleError) => error.code,
    );
  let denied = 0;
  /** Fills the queue with calls of the hostile pod. */
  const useUpShare = () => {
    for (let index = 0; index < 127; index++) void get(HOSTILE, `denied-${denied++}`);
  };
  return { clock, made, get, useUpShare, breakSts: (error: PodroleError) => (fault = error) };
}

for (const [where, honest] of [
  ["of another namespace", pod("honest", "v")],
  ["of the same namespace", pod("hostile", "v")],
] as const) {
  test(`get() serves a pod ${where} the session that it shares with a pod whose share of the calls is used up`, async () => {
    const { clock, made, get, useUpShare } = setUp();
    const outcomes: string[] = [];
    async function attack(): Promise<void> {
      for (let passed = 0; passed < 1_000; passed += STEP_MS) {
        useUpShare();
        void get(HOSTILE).then((outcome) => outcomes.push(outcome));
        await clock.advance(STEP_MS);
      }
    }
    await attack();
    assert.deepEqual(new Set(outcomes), new Set(["STS_THROTTLED"]), "the hostile pod has no share left");
    const served = get(honest);
    await attack();
    assert.match(await Promise.race([served, Promise.resolve("it still waits")]), /^A/);
    assert.equal(made.filter((role) => role === "shared").length, 1);
  });
}

test("get() makes one call for pods that wait for one session in turns of their own, and serves all of them", async () => {
  const { clock, made, get, useUpShare } = setUp();
  useUpShare();
  await clock.advance(STEP_MS);
  const pods = Array.from({ length: 20 }, (_, index) => pod(`n${index % 4}`, `u${index}`));
  const answers = Promise.all(pods.map((each) => get(each)));
  await clock.advance(1_000);
  const [first, ...others] = new Set(await answers);
  assert.match(first ?? "", /^A/);
  assert.deepEqual(others, []);
  assert.equal(made.filter((role) => role === "shared").length, 1);
});

test("get() refuses no pod for whose session another pod waits, although the queue is full", async () => {
  const { clock, get, useUpShare } = setUp();
  useUpShare();
  await clock.advance(STEP_MS);
  const answers = Promise.all(Array.from({ length: 500 }, (_, index) => get(pod("honest", `u${index}`))));
  await clock.advance(1_000);
  assert.equal((await answers).filter((outcome) => !outcome.startsWith("A")).length, 0);
});

test("get() refuses pods that wait for one session once each has waited for 5 s", async () => {
  const { clock, get, breakSts } = setUp();
  breakSts(new PodroleError("STS_THROTTLED", "Rate exceeded", { retryAfterMs: 20_000 }));
  void get(HOSTILE, "denied");
  await clock.advance(10);
  const answers = Promise.all(Array.from({ length: 150 }, (_, index) => get(pod("honest", `u${index}`))));
  await clock.advance(4_900);
  assert.equal(await Promise.race([answers, Promise.resolve("they wait")]), "they wait");
  await clock.advance(100);
  assert.deepEqual(new Set(await answers), new Set(["STS_THROTTLED"]));
});

test("get() gives a denial of STS to all pods that waited for it, and repeats it to each", async () => {
  const { clock, made, get, breakSts } = setUp();
  breakSts(new PodroleError("STS_DENIED", "no"));
  const pods = [pod("a", "a"), pod("b", "b"), pod("b", "c")];
  const answers = Promise.all(pods.map((each) => get(each)));
  await clock.advance(1_000);
  assert.deepEqual(await answers, ["STS_DENIED", "STS_DENIED", "STS_DENIED"]);
  assert.deepEqual(await Promise.all(pods.map((each) => get(each))), ["STS_DENIED", "STS_DENIED", "STS_DENIED"]);
  assert.equal(made.length, 1);
});
