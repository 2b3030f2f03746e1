// Behaviours of kiam and kube2iam other than policy, and what podrole's server does instead. Sources as in
// test/policy/kiam-behaviour.test.ts. docs/kiam-behaviour.md is generated from the names of these tests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { isRefusal, PodroleError } from "../../src/protocol/errors.ts";
import { MINUTE_MS } from "../../src/runtime/clock.ts";
import { createPages } from "../../src/runtime/pages.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { createCredentialCache } from "../../src/server/aws/credential-cache.ts";
import { baseArnOf } from "../../src/server/aws/own-identity.ts";
import { createStsLimiter } from "../../src/server/aws/sts-limiter.ts";
import { createRefusalRecorder } from "../../src/server/issue/events.ts";
import { instanceOf, verifyPod } from "../../src/server/issue/verify-proof.ts";
import { crossCheckServer } from "../../src/settings/cross-check.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/a", sessionName: "kiam-kiam", durationSeconds: 3600 };

function pod(uid: string) {
  return { namespace: "ns", uid, circumstances: uid };
}

function setUp() {
  const clock = createFakeClock();
  let calls = 0;
  let fault: PodroleError | undefined;
  const secret = new Secret("s");
  const limiter = createStsLimiter(
    {
      clock,
      onLimited: () => {},
      async assumeRole() {
        calls += 1;
        if (fault) throw fault;
        const now = clock.now();
        const session = { accessKeyId: `ASIA${calls}`, secretAccessKey: secret, sessionToken: secret };
        return { ...session, issuedAtMs: now, expiresAtMs: now + 60 * MINUTE_MS };
      },
    },
    { ratePerSecond: 50, burst: 200 },
  );
  const cache = createCredentialCache({ clock, assumeRole: limiter.assumeRole }, { capacity: 10 });
  return { clock, cache, calls: () => calls, breakSts: (error: PodroleError) => (fault = error) };
}

test("kiam: kiam fetches credentials before the pod requests them (same) [pkg/prefetch/manager.go]", async () => {
  const { cache, calls } = setUp();
  await cache.prefetch(INPUT, pod("u-1"));
  assert.equal((await cache.get(INPUT, pod("u-1"))).outcome === "failed", false);
  assert.equal(calls(), 1);
});

test("kiam: pods with the same role, session name and external ID share a session (same) [pkg/aws/sts/cache.go]", async () => {
  const { cache, calls } = setUp();
  await cache.get(INPUT, pod("u-1"));
  assert.equal((await cache.get({ ...INPUT }, pod("u-2"))).outcome, "hit");
  assert.equal(calls(), 1);
});

test("kube2iam: pods with the same role and different external IDs share a session (differs: in podrole each external ID has its own session) [iam/iam.go, kube2iam#98]", async () => {
  const { cache, calls } = setUp();
  await cache.get({ ...INPUT, externalId: "a1" }, pod("u-1"));
  await cache.get({ ...INPUT, externalId: "b2" }, pod("u-2"));
  assert.equal(calls(), 2);
});

test("kiam: for two concurrent cache misses, kiam makes two calls to STS (differs: podrole makes one call for all waiting requests) [pkg/aws/sts/cache.go]", async () => {
  const { cache, calls } = setUp();
  await Promise.all([cache.get(INPUT, pod("u-1")), cache.get(INPUT, pod("u-2"))]);
  assert.equal(calls(), 1);
});

test("kiam: if STS is down at a renewal, kiam returns errors although the pod's session is still valid (differs: podrole serves the valid session) [pkg/aws/sts/cache.go]", async () => {
  const { cache, clock, breakSts } = setUp();
  await cache.get(INPUT, pod("u-1"));
  await clock.advance(50 * MINUTE_MS);
  breakSts(new PodroleError("STS_UNAVAILABLE", "down"));
  assert.equal((await cache.get(INPUT, pod("u-1"))).outcome, "stale");
});

test("kiam: kiam does not cache errors, so each retry calls STS again (differs: podrole repeats a denial from memory, for 15 s at first and up to 2 minutes) [pkg/aws/sts/cache.go]", async () => {
  const { cache, calls, breakSts } = setUp();
  breakSts(new PodroleError("STS_DENIED", "no"));
  for (let retry = 0; retry < 10; retry++) await assert.rejects(cache.get(INPUT, pod("u-1")), { code: "STS_DENIED" });
  assert.equal(calls(), 1);
});

test("kiam: kiam does not renew the credentials of a deleted pod (same) [pkg/prefetch/manager.go]", async () => {
  const { cache, calls, clock } = setUp();
  await cache.get(INPUT, pod("u-1"));
  for (let minute = 0; minute < 120; minute++) await clock.advance(MINUTE_MS);
  assert.equal(calls(), 1);
});

test("kiam: kiam keeps the credentials of a deleted pod in memory until they expire (differs: podrole removes them within 2 minutes) [pkg/aws/sts/cache.go]", async () => {
  const { cache, clock } = setUp();
  await cache.get(INPUT, pod("u-1"));
  await clock.advance(MINUTE_MS);
  cache.sweep({ has: () => false });
  assert.equal(cache.size, 0);
});

const problemsOf = (flags: Readonly<Record<string, string>>) => {
  const read = readSettings(SERVER_SETTINGS, flags, {});
  return read.ok ? crossCheckServer(read.value) : read.problems;
};

test("kiam: kiam does not start with --session-duration below 15m (same) [cmd/kiam/server.go]", () => {
  assert.match(problemsOf({ sessionDuration: "14m" }).join(), /--session-duration/);
});

test("kiam: with --assume-role-arn and a session duration above 1h, kiam starts but fails to issue credentials to any pod (differs: podrole's server does not start) [pkg/aws/sts/gateway.go]", () => {
  const assumeRoleArn = "arn:aws:iam::123456789012:role/hop";
  assert.match(problemsOf({ sessionDuration: "2h", assumeRoleArn }).join(), /role chaining/);
});

test("kiam: kiam 4.1 and 4.2 do not start without --assume-role-arn (differs: podrole does not need --assume-role-arn) [cmd/kiam/server_builder.go, kiam#491]", () => {
  assert.deepEqual(problemsOf({ roleBaseArn: "arn:aws:iam::123456789012:role/" }), []);
});

test("kiam: kiam requires --role-base-arn or --role-base-arn-autodetect (differs: without both, podrole accepts only full ARNs) [cmd/kiam/server.go]", () => {
  assert.deepEqual(problemsOf({}), []);
});

test("kiam: with --role-base-arn-autodetect, kiam detects the base ARN, including its partition, from the instance profile (same, but podrole queries STS first) [pkg/aws/sts/resolver_detect_arn.go]", () => {
  const profile = "arn:aws-us-gov:iam::123456789012:instance-profile/nodes/kiam-server";
  assert.equal(baseArnOf(profile), "arn:aws-us-gov:iam::123456789012:role/");
});

const POD: Pod = {
  metadata: { name: "web", namespace: "team", uid: "u-1" },
  spec: { serviceAccountName: "app", containers: [{ name: "app" }] },
};
const CLAIMED = { namespace: "team", name: "web", uid: "u-1", serviceAccount: "app" };
const verdictOn = (pod: Pod) => {
  const found = verifyPod(CLAIMED, instanceOf(pod));
  return isRefusal(found) ? found.code : "served";
};

for (const phase of ["Succeeded", "Failed"]) {
  test(`kiam: a pod of phase ${phase} gets no credentials from kiam (same) [pkg/k8s/pod_cache.go]`, () => {
    assert.equal(verdictOn({ ...POD, status: { phase } }), "POD_FINISHED");
  });
}

test("kiam: kiam still serves a terminating pod (same) [pkg/k8s/pod_cache.go]", () => {
  const metadata = { ...POD.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
  assert.equal(verdictOn({ ...POD, metadata, status: { phase: "Running" } }), "served");
});

test("kiam: kiam identifies a pod by its IP address, which a later pod may reuse (differs: podrole identifies a pod by a certificate with its uid) [pkg/k8s/pod_cache.go, kiam#499]", () => {
  const successor = { ...POD, metadata: { ...POD.metadata, uid: "u-2" } };
  assert.equal(verdictOn(successor), "POD_UNKNOWN");
});

test("kiam: kiam records an Event on a pod whose role is forbidden (same) [pkg/server/server.go KiamRoleForbidden]", async () => {
  const clock = createFakeClock();
  const reasons: string[] = [];
  const recordEvent = async ({ reason }: { reason: string }) => void reasons.push(reason);
  const record = createRefusalRecorder({
    kubernetes: { recordEvent },
    clock,
    log: createKeptLog().log,
    onRecorded: () => {},
  });
  const identity = { ...CLAIMED, trustDomain: "cluster.local" };
  record(identity, { code: "ROLE_FORBIDDEN", message: "Cannot give role" });
  record(identity, { code: "STS_DENIED", message: "Cannot assume role" });
  await clock.advance(0);
  assert.deepEqual(reasons, ["ROLE_FORBIDDEN", "STS_DENIED"]);
});

test("kiam: kiam's health check succeeds even if its caches are empty (differs: podrole's readiness check fails and names what is missing) [pkg/server/server.go GetHealth]", async () => {
  const unready = ["the caches of pods and namespaces are not filled yet"];
  const pages = createPages({ clock: createFakeClock(), exposeMetrics: async () => "", unready: () => unready });
  const before = await pages.inject("/readyz");
  assert.deepEqual(
    [before.statusCode, before.json().reasons],
    [503, ["the caches of pods and namespaces are not filled yet"]],
  );
  unready.length = 0;
  assert.equal((await pages.inject("/readyz")).statusCode, 200);
});

test("kiam: kiam gives a pod without the annotation no role, and keeps it from the node's role (differs: podrole does not inject such a pod (NO_ROLE), so block the node's role yourself; a ServiceAccount or a namespace can name a role for it) [pkg/server/policy.go, cmd/kiam/iptables.go]", () => {
  const reasonIn = (annotations: Record<string, string>) => {
    const namespace = { name: "shop", labels: { "podrole.io/inject": "enabled" }, annotations };
    const unannotated = { metadata: { name: "web" }, spec: { containers: [{ name: "app" }] } };
    return plan({ pod: unannotated, namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS).reason;
  };
  assert.equal(reasonIn({}), "NO_ROLE");
  const role = "arn:aws:iam::123456789012:role/a";
  assert.equal(reasonIn({ "iam.amazonaws.com/default-role": role, "iam.amazonaws.com/permitted": ".*" }), "INJECTED");
});
