import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { type KnownPod, knownPodOf } from "../../../src/server/issue/known-pod.ts";
import { decideRequest, renewalAfterMs, type SignerSettings } from "../../../src/server/signer/decide-request.ts";
import { injectedPod } from "../../injection/injected-pod.ts";
import { emptyCsr, KEY_TYPES, NODE, requestFor, type SpecChange } from "./requests.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const SETTINGS: SignerSettings = { trustDomain: "cluster.local", certificateTtlMs: 2 * HOUR_MS };

const LIVING = injectedPod({ name: "web", namespace: "team", uid: "u-1" });
const POD: Pod = { ...LIVING, spec: { ...LIVING.spec, nodeName: NODE } };

function requestOf(change: SpecChange = {}, createdAt = NOW): PodCertificateRequest {
  const { spec } = requestFor(POD, { maxExpirationSeconds: 86_400, ...change });
  const creationTimestamp = new Date(createdAt).toISOString();
  return { metadata: { name: "req-1", namespace: "team", uid: "r-1", creationTimestamp }, spec };
}

const known = (pod: Pod): KnownPod => knownPodOf(pod, { sessionTagLabels: [] });

function decide(request = requestOf(), pod: Pod | undefined = POD, settings = SETTINGS) {
  return decideRequest(request, pod && known(pod), settings, NOW);
}

test("decideRequest() issues for a pod that runs as the request says, with the settings' lifetime", () => {
  const decision = decide();
  assert.ok(decision.decision === "issue");
  assert.deepEqual(decision.identity, {
    trustDomain: "cluster.local",
    namespace: "team",
    serviceAccount: "default",
    name: "web",
    uid: "u-1",
  });
  assert.equal(decision.validityMs, 2 * HOUR_MS);
});

test("decideRequest() issues for no longer than the request permits, and for no less than the hour of the API", () => {
  const short = decide(requestOf({ maxExpirationSeconds: 3_600 }));
  assert.ok(short.decision === "issue");
  assert.equal(short.validityMs, HOUR_MS);
  const tenMinutes = decide(requestOf(), POD, { ...SETTINGS, certificateTtlMs: 10 * MINUTE_MS });
  assert.ok(tenMinutes.decision === "issue");
  assert.equal(tenMinutes.validityMs, HOUR_MS);
});

for (const [what, renewalMs, validityMs, expectedMs] of [
  ["half of the lifetime without the setting", undefined, 2 * HOUR_MS, HOUR_MS],
  ["what the setting says", 10 * MINUTE_MS, HOUR_MS, 10 * MINUTE_MS],
  ["ten minutes before the end of a certificate that is shorter than usual", 5 * HOUR_MS, HOUR_MS, 50 * MINUTE_MS],
] as const) {
  test(`renewalAfterMs() returns ${what}`, () => {
    assert.equal(renewalAfterMs({ renewalMs }, validityMs), expectedMs);
  });
}

for (const type of KEY_TYPES) {
  const isAccepted = type === "ECDSAP256" || type === "RSA3072";
  test(`decideRequest() ${isAccepted ? "accepts" : "denies"} a key of type ${type}`, () => {
    const { csr, publicKey } = emptyCsr(type);
    const decision = decide(requestOf({ stubPKCS10Request: csr }));
    if (decision.decision === "issue") assert.ok(isAccepted && decision.publicKey.equals(publicKey));
    else if (decision.decision === "deny") {
      assert.ok(!isAccepted);
      assert.equal(decision.reason, "UnsupportedKeyType");
      assert.match(decision.refusal.message, /expected ECDSA P-256 or RSA/);
    } else assert.fail(decision.decision);
  });
}

const { metadata, spec } = POD;
const DENIALS: readonly {
  readonly what: string;
  readonly change?: SpecChange;
  readonly pod?: Pod | undefined;
  readonly reason: string;
}[] = [
  { what: "a pod that does not exist", pod: undefined, reason: "POD_UNKNOWN" },
  { what: "another uid than the pod's", change: { podUID: "u-2" }, reason: "POD_UNKNOWN" },
  { what: "another ServiceAccount", change: { serviceAccountName: "admin" }, reason: "POD_UNKNOWN" },
  { what: "another node than the pod's", change: { nodeName: "node-2" }, reason: "POD_UNKNOWN" },
  { what: "a pod without a node", pod: { metadata, spec: LIVING.spec }, reason: "POD_UNKNOWN" },
  { what: "a pod that has finished", pod: { ...POD, status: { phase: "Failed" } }, reason: "POD_FINISHED" },
  {
    what: "a pod without podrole's parts",
    pod: { metadata, spec: { ...spec, initContainers: [] } },
    reason: "POD_NOT_INJECTED",
  },
  {
    what: "a user annotation",
    change: { unverifiedUserAnnotations: { "podrole.io/role": "admin" } },
    reason: "REQUEST_INVALID",
  },
  { what: "no certification request", change: { stubPKCS10Request: "" }, reason: "UnsupportedKeyType" },
];

for (const { what, change, reason, ...given } of DENIALS) {
  test(`decideRequest() denies ${what}: ${reason}`, () => {
    const decision = decideRequest(
      requestOf(change),
      "pod" in given ? given.pod && known(given.pod) : known(POD),
      SETTINGS,
      NOW,
    );
    assert.equal(decision.decision, "deny");
    assert.equal(decision.decision === "deny" && decision.reason, reason);
  });
}

test("decideRequest() waits while the API server's clock is further ahead than it would accept, and issues within that", () => {
  const ahead = decide(requestOf({}, NOW + 4 * MINUTE_MS));
  assert.ok(ahead.decision === "wait");
  assert.match(ahead.refusal.message, /clock is 240 s ahead/);
  assert.equal(decide(requestOf({}, NOW + 2 * MINUTE_MS)).decision, "issue");
  assert.equal(decide(requestOf({}, NOW - 20 * MINUTE_MS)).decision, "issue");
});
