import assert from "node:assert/strict";
import { test } from "node:test";
import type { AssumeRoleInput } from "../../../src/policy/decide.ts";
import { ERRORS, type ErrorInfo, PodroleError, type Refusal, refuse } from "../../../src/protocol/errors.ts";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import type { SessionCredentials } from "../../../src/server/aws/sts.ts";
import { type CredentialIssuerDeps, createCredentialIssuer } from "../../../src/server/issue/issue-credentials.ts";
import type { PodInContext } from "../../../src/server/issue/pod-directory.ts";
import { createRepeatSampler, type RepeatSampler } from "../../../src/server/issue/repeat-sampler.ts";
import { NO_OBSERVER } from "../../../src/server/issue/result-observer.ts";
import { createSlowStarts } from "../../../src/server/issue/slow-starts.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { policySettingsWith } from "../../policy/facts.ts";

const IDENTITY = { trustDomain: "cluster.local", namespace: "team", serviceAccount: "app", name: "web", uid: "u-1" };
const ROLE = "arn:aws:iam::123456789012:role/orders";
const POLICY = '{"Version":"2012-10-17","Statement":[]}';
const SESSION: SessionCredentials = {
  accessKeyId: "ASIAEXAMPLE",
  secretAccessKey: new Secret("hidden-key"),
  sessionToken: new Secret("hidden-token"),
  issuedAtMs: 0,
  expiresAtMs: 3_600_000,
};

function podWith(annotations: Record<string, string>, permitted = "arn:aws:iam::123456789012:role/.*"): PodInContext {
  const { namespace, name, uid, serviceAccount } = IDENTITY;
  return {
    facts: { namespace, name, uid, serviceAccount, annotations, labels: {}, containers: ["app", "job"] },
    inherited: {
      namespaceAnnotations: { "iam.amazonaws.com/permitted": permitted },
      serviceAccountAnnotations: {},
    },
  };
}

function setUp(
  found: PodInContext | Refusal,
  get: () => Promise<SessionCredentials> = async () => SESSION,
  repeats?: RepeatSampler,
  observer: CredentialIssuerDeps["observer"] = NO_OBSERVER,
  find: () => Promise<PodInContext | Refusal> = async () => found,
) {
  const audit: Readonly<Record<string, unknown>>[] = [];
  const recorded: ErrorInfo[] = [];
  const requested: AssumeRoleInput[] = [];
  const prefetched: AssumeRoleInput[] = [];
  const issuer = createCredentialIssuer({
    audit: (line) => audit.push({ ...line }),
    directory: { find, confirm: find },
    cache: {
      get: async (input) => {
        requested.push(input);
        return { credentials: await get(), remainingMs: 1_800_000, outcome: "miss" };
      },
      prefetch: async (input) => void prefetched.push(input),
    },
    readSessionPolicy: async (namespace, name) => (namespace === "team" && name === "narrow" ? POLICY : undefined),
    recordRefusal: (_pod, refusal) => recorded.push(refusal),
    policy: () => policySettingsWith(),
    ...(repeats && { repeats }),
    observer,
  });
  return { issuer, audit, recorded, requested, prefetched };
}

test("issue() returns the session of the container's role and records what CloudTrail will show", async () => {
  const { issuer, audit, recorded, requested } = setUp(podWith({ "iam.amazonaws.com/role.app": "orders" }));
  const [grant] = await issuer.issue(IDENTITY, ["app"], "10.0.0.7:4711");
  assert.ok(grant && "credentials" in grant);
  assert.equal(grant.role.arn, ROLE);
  assert.deepEqual(
    requested.map(({ roleArn, sessionName }) => ({ roleArn, sessionName })),
    [{ roleArn: ROLE, sessionName: "team.web" }],
  );
  assert.deepEqual(recorded, []);
  const [line] = audit;
  assert.deepEqual(
    [line?.["decision"], line?.["podUid"], line?.["accessKeyId"], line?.["peer"]],
    ["issued", "u-1", "ASIAEXAMPLE", "10.0.0.7:4711"],
  );
  assert.doesNotMatch(JSON.stringify(audit), /hidden/);
});

test("issue() refuses one container with ROLE_FORBIDDEN and serves the other", async () => {
  const annotations = { "iam.amazonaws.com/role.app": "orders", "iam.amazonaws.com/role.job": "payroll" };
  const { issuer, audit, recorded, requested } = setUp(podWith(annotations, ROLE));
  const [app, job] = await issuer.issue(IDENTITY, ["app", "job"], "peer");
  assert.ok(app && "credentials" in app);
  assert.equal(job && "refusal" in job && job.refusal.code, "ROLE_FORBIDDEN");
  assert.equal(requested.length, 1);
  assert.deepEqual(
    recorded.map(({ code }) => code),
    ["ROLE_FORBIDDEN"],
  );
  assert.ok(audit.some((line) => line["decision"] === "refused" && line["reason"] === "ROLE_FORBIDDEN"));
});

test("issue() refuses a container without a role, or an unknown one, with ROLE_MISSING", async () => {
  const { issuer, requested } = setUp(podWith({ "iam.amazonaws.com/role.app": "orders" }));
  const grants = await issuer.issue(IDENTITY, ["job", "nobody"], "peer");
  assert.deepEqual(
    grants.map((grant) => "refusal" in grant && grant.refusal.code),
    ["ROLE_MISSING", "ROLE_MISSING"],
  );
  assert.deepEqual(requested, []);
});

test("issue() records the containers that the pod does not have in one line, and each other refusal in a line of its own", async () => {
  const { issuer, audit, recorded } = setUp(podWith({ "iam.amazonaws.com/role.app": "orders" }));
  const unknown = Array.from({ length: 126 }, (_, index) => `n${index}`);
  const grants = await issuer.issue(IDENTITY, ["app", ...unknown, "job"], "peer");
  assert.equal(grants.filter((grant) => "refusal" in grant).length, 127);
  assert.deepEqual(
    audit.map(({ decision, container, containersOmitted }) => [decision, container, containersOmitted]),
    [
      ["refused", "n0", 125],
      ["refused", "job", undefined],
      ["issued", "app", undefined],
    ],
  );
  assert.equal(recorded.length, 2);
});

test("issue() records once a minute that a container receives the same session or the same refusal, with the number of repetitions", async () => {
  const clock = createFakeClock();
  const annotations = { "iam.amazonaws.com/role.app": "orders", "iam.amazonaws.com/role.job": "payroll" };
  let accessKeyId = "ASIAEXAMPLE";
  const get = async () => ({ ...SESSION, accessKeyId });
  const { issuer, audit, recorded } = setUp(podWith(annotations, ROLE), get, createRepeatSampler({ clock }));
  const callTenTimes = async () => {
    for (let index = 0; index < 10; index++) await issuer.issue(IDENTITY, ["app", "job", `unknown${index}`], "peer");
  };
  const lines = () =>
    audit.splice(0).map(({ container, reason, accessKeyId: key, omitted }) => [container, reason ?? key, omitted]);

  await callTenTimes();
  assert.deepEqual(lines(), [
    ["unknown0", "ROLE_MISSING", undefined],
    ["job", "ROLE_FORBIDDEN", undefined],
    ["app", "ASIAEXAMPLE", undefined],
  ]);
  assert.equal(recorded.length, 20, "Events have limits of their own");
  accessKeyId = "ASIAOTHER";
  await callTenTimes();
  assert.deepEqual(lines(), [["app", "ASIAOTHER", undefined]]);
  await issuer.issue({ ...IDENTITY, uid: "u-2" }, ["app"], "peer");
  assert.deepEqual(lines(), [["app", "ASIAOTHER", undefined]]);
  await clock.advance(MINUTE_MS);
  await callTenTimes();
  assert.deepEqual(lines(), [
    ["unknown0", "ROLE_MISSING", 19],
    ["job", "ROLE_FORBIDDEN", 19],
    ["app", "ASIAOTHER", 9],
  ]);
});

test("issue() records each address from which a pod's session or refusal is requested, whatever the port", async () => {
  const annotations = { "iam.amazonaws.com/role.app": "orders", "iam.amazonaws.com/role.job": "payroll" };
  const { issuer, audit } = setUp(
    podWith(annotations, ROLE),
    undefined,
    createRepeatSampler({ clock: createFakeClock() }),
  );
  for (const peer of ["10.0.0.7:4711", "10.0.0.7:4712", "10.0.6.66:4711", "10.0.6.66:4713", "[fd00::7]:4711"])
    await issuer.issue(IDENTITY, ["app", "job"], peer);
  for (const decision of ["issued", "refused"]) {
    const peers = audit.filter((line) => line["decision"] === decision).map(({ peer }) => peer);
    assert.deepEqual(peers, ["10.0.0.7:4711", "10.0.6.66:4711", "[fd00::7]:4711"], decision);
  }
});

test("issue() records the refusal of a whole pod in one line, however many containers it asks for", async () => {
  const { issuer, audit } = setUp(refuse("POD_FINISHED", "Cannot serve pod"));
  await assert.rejects(issuer.issue(IDENTITY, ["app", "job", "other"], "peer"), { code: "POD_FINISHED" });
  assert.deepEqual(
    audit.map(({ container, containersOmitted }) => [container, containersOmitted]),
    [["app", 2]],
  );
});

test("issue() rejects for a pod that is gone, without a call to STS", async () => {
  const { issuer, requested, audit } = setUp(refuse("POD_UNKNOWN", "Cannot identify pod"));
  await assert.rejects(issuer.issue(IDENTITY, ["app"], "peer"), { code: "POD_UNKNOWN" });
  const recorded = audit.map(({ decision, reason, pod, container }) => ({ decision, reason, pod, container }));
  assert.deepEqual(recorded, [{ decision: "refused", reason: "POD_UNKNOWN", pod: IDENTITY.name, container: "app" }]);
  assert.deepEqual(requested, []);
});

test("issue() fetches nothing for a caller that has left while its pod was looked up", async () => {
  const { issuer, audit, requested } = setUp(podWith({ "iam.amazonaws.com/role.app": "orders" }));
  await assert.rejects(issuer.issue(IDENTITY, ["app"], "peer", AbortSignal.abort()), { code: "SERVER_OVERLOADED" });
  assert.deepEqual([audit, requested], [[], []]);
});

test("issue() returns the error of STS, with the time to wait", async () => {
  const throttled = new PodroleError("STS_THROTTLED", "Cannot assume role: later", { retryAfterMs: 2_000 });
  const { issuer, audit } = setUp(podWith({ "iam.amazonaws.com/role": "orders" }), () => Promise.reject(throttled));
  const [grant] = await issuer.issue(IDENTITY, ["app"], "peer");
  assert.ok(grant && "refusal" in grant);
  assert.deepEqual([grant.refusal.code, grant.refusal.retryAfterMs], ["STS_THROTTLED", 2_000]);
  assert.equal(audit[0]?.["role"], ROLE);
});

test("issue() applies the session policy that the pod names, and refuses when it does not exist", async () => {
  const narrowed = (name: string) => podWith({ "iam.amazonaws.com/role": "orders", "podrole.io/session-policy": name });
  const { issuer, requested } = setUp(narrowed("narrow"));
  await issuer.issue(IDENTITY, ["app"], "peer");
  assert.equal(requested[0]?.policy, POLICY);
  const absent = setUp(narrowed("absent"));
  const [grant] = await absent.issuer.issue(IDENTITY, ["app"], "peer");
  assert.ok(grant && "refusal" in grant);
  assert.equal(ERRORS[grant.refusal.code].retry, false);
  assert.deepEqual(absent.requested, []);
});

test("prefetch() starts AssumeRole for permitted roles only", async () => {
  const annotations = { "iam.amazonaws.com/role.app": "orders", "iam.amazonaws.com/role.job": "payroll" };
  const { issuer, prefetched } = setUp(podWith(annotations, ROLE));
  await issuer.prefetch(IDENTITY, podWith(annotations, ROLE));
  assert.deepEqual(
    prefetched.map(({ roleArn }) => roleArn),
    [ROLE],
  );
});

test("issue() tells observers of a pod's start that the pod cannot be looked up, so that no Event names STS for it", async () => {
  const clock = createFakeClock();
  const events: ErrorInfo[] = [];
  const starts = createSlowStarts({
    clock,
    recordRefusal: (_pod, refusal) => events.push(refusal),
    hasHeld: () => false,
    pendingReason: () => "STS_UNAVAILABLE",
  });
  const unavailable = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot look up the pod");
  const { issuer } = setUp(podWith({}), undefined, undefined, { ...starts, refusedUnknown() {} }, async () => {
    throw unavailable;
  });
  starts.requested(IDENTITY, ["app"]);
  await assert.rejects(issuer.issue(IDENTITY, ["app"], "peer"), unavailable);
  await clock.advance(3_000);
  assert.deepEqual(
    events.map(({ code, message }) => [code, message]),
    [["KUBERNETES_UNAVAILABLE", "Cannot look up the pod"]],
  );
});
