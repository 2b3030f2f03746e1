import assert from "node:assert/strict";
import { test } from "node:test";
import { durationSeconds, externalId, sessionTags } from "../../src/policy/session.ts";
import { codeOf, podFactsWith, policySettingsWith } from "./facts.ts";

const EXTERNAL_ID = "iam.amazonaws.com/external-id";
const DURATION = "podrole.io/session-duration";

test("externalId() accepts what STS accepts", () => {
  for (const value of ["ab", "a:b/c=d,e.f@g+h-i_j", "x".repeat(1224)]) {
    assert.equal(externalId(podFactsWith({ [EXTERNAL_ID]: value })), value);
  }
  assert.equal(externalId(podFactsWith()), undefined);
  assert.equal(externalId(podFactsWith({ [EXTERNAL_ID]: "" })), undefined, "kiam sends none when it is empty");
});

test("externalId() refuses other values without repeating them", () => {
  for (const value of ["a", "hush hush", "x#y", "x".repeat(1225), "x\n"]) {
    const refused = externalId(podFactsWith({ [EXTERNAL_ID]: value }));
    assert.ok(typeof refused === "object");
    assert.equal(refused.code, "ANNOTATION_INVALID");
    assert.ok(!refused.message.includes("hush"));
  }
});

test("durationSeconds() is the setting's value without an annotation", () => {
  assert.equal(durationSeconds(podFactsWith(), policySettingsWith()), 3600);
  assert.equal(durationSeconds(podFactsWith(), policySettingsWith({ sessionDurationMs: 900_999 })), 900);
});

test("durationSeconds() follows the annotation between 15 minutes and the maximum", () => {
  const wide = policySettingsWith({ maxSessionDurationMs: 43_200_000 });
  for (const [text, seconds] of [
    ["15m", 900],
    ["900s", 900],
    ["1h30m", 5400],
    ["12h", 43_200],
  ] as const) {
    assert.equal(durationSeconds(podFactsWith({ [DURATION]: text }), wide), seconds);
  }
  assert.equal(durationSeconds(podFactsWith({ [DURATION]: "1h" }), policySettingsWith()), 3600);
});

test("durationSeconds() refuses an annotation that is shorter, longer or not a duration", () => {
  for (const text of [
    "14m",
    "899s",
    "61m",
    "2h",
    "",
    "1d",
    "-1h",
    "3600",
    " 1h",
    "1h\n",
    "1".repeat(400),
    `${"9".repeat(31)}h`,
  ]) {
    const refused = durationSeconds(podFactsWith({ [DURATION]: text }), policySettingsWith());
    assert.equal(codeOf(refused), "ANNOTATION_INVALID", text);
    assert.match(
      (refused as { message: string }).message,
      /podrole\.io\/session-duration ".*": it is out of range or not a duration; expected 15m to 60m/,
    );
  }
});

test("sessionTags() uses EKS Pod Identity's keys", () => {
  assert.deepEqual(sessionTags(podFactsWith(), policySettingsWith({ sessionTags: true, clusterName: "prod" })), [
    { key: "eks-cluster-name", value: "prod" },
    { key: "kubernetes-namespace", value: "shop" },
    { key: "kubernetes-service-account", value: "web" },
    { key: "kubernetes-pod-name", value: "web-5d9f8-x2x4z" },
    { key: "kubernetes-pod-uid", value: "0f1e2d3c-0000-4000-8000-000000000001" },
  ]);
});

test("sessionTags() contains the cluster's ARN if the setting names it", () => {
  const clusterArn = "arn:aws:eks:eu-central-1:123456789012:cluster/prod";
  const tags = sessionTags(podFactsWith(), policySettingsWith({ sessionTags: true, clusterName: "prod", clusterArn }));
  assert.deepEqual(Array.isArray(tags) && tags[0], { key: "eks-cluster-arn", value: clusterArn });
  assert.equal(Array.isArray(tags) && tags.length, 6);
});

test("sessionTags() omits unknown and unselected tags", () => {
  assert.equal(sessionTags(podFactsWith(), policySettingsWith({ clusterName: "prod" })), undefined);
  const tags = sessionTags(
    podFactsWith({}, { name: undefined, uid: undefined }),
    policySettingsWith({ sessionTags: true }),
  );
  assert.deepEqual(Array.isArray(tags) && tags.map(({ key }) => key), [
    "kubernetes-namespace",
    "kubernetes-service-account",
  ]);
});

test("sessionTags() adds the selected labels that the pod has, and no others", () => {
  const labels = { team: "a", "app.kubernetes.io/name": "web", secret: "x", empty: "" };
  const chosen = ["team", "app.kubernetes.io/name", "absent", "empty", "constructor"];
  assert.deepEqual(sessionTags(podFactsWith({}, { labels }), policySettingsWith({ sessionTagLabels: chosen })), [
    { key: "team", value: "a" },
    { key: "app.kubernetes.io/name", value: "web" },
    { key: "empty", value: "" },
  ]);
  assert.equal(
    sessionTags(podFactsWith({}, { labels: {} }), policySettingsWith({ sessionTagLabels: chosen })),
    undefined,
  );
});

test("sessionTags() refuses tags that STS would reject", () => {
  const refuses = (labels: Record<string, string>) =>
    codeOf(sessionTags(podFactsWith({}, { labels }), policySettingsWith({ sessionTagLabels: Object.keys(labels) })));
  assert.equal(refuses({ team: "a".repeat(256) }), undefined);
  assert.equal(refuses({ team: "a".repeat(257) }), "ANNOTATION_INVALID");
  assert.equal(refuses({ team: "a;b" }), "ANNOTATION_INVALID");
  assert.equal(refuses({ team: "a\nb" }), "ANNOTATION_INVALID");
  assert.equal(refuses({ ["k".repeat(128)]: "a" }), undefined);
  assert.equal(refuses({ ["k".repeat(129)]: "a" }), "ANNOTATION_INVALID");
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
  assert.equal(refuses(many(50)), undefined);
  assert.equal(refuses(many(51)), "ANNOTATION_INVALID");
});
