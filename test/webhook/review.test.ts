import assert from "node:assert/strict";
import { test } from "node:test";
import { formatReview, readAdmissionReview } from "../../src/webhook/review.ts";
import { fc } from "../property.ts";
import { annotatedPod, reviewOf } from "./requests.ts";

const cases: readonly { readonly what: string; readonly body: unknown; readonly hasUid: boolean }[] = [
  { what: "a string", body: "AdmissionReview", hasUid: false },
  { what: "nothing", body: undefined, hasUid: false },
  { what: "a list", body: [reviewOf(annotatedPod())], hasUid: false },
  { what: "another kind", body: { ...reviewOf(annotatedPod()), kind: "ConversionReview" }, hasUid: false },
  { what: "v1beta1", body: { ...reviewOf(annotatedPod()), apiVersion: "admission.k8s.io/v1beta1" }, hasUid: false },
  { what: "no request", body: { ...reviewOf(annotatedPod()), request: null }, hasUid: false },
  { what: "no uid", body: reviewOf(annotatedPod(), { uid: undefined }), hasUid: false },
  { what: "an empty uid", body: reviewOf(annotatedPod(), { uid: "" }), hasUid: false },
  { what: "a uid that is a number", body: reviewOf(annotatedPod(), { uid: 7 }), hasUid: false },
  { what: "no object", body: reviewOf(undefined), hasUid: true },
  { what: "a null object", body: reviewOf(null), hasUid: true },
  {
    what: "a Deployment",
    body: reviewOf({ apiVersion: "apps/v1", kind: "Deployment", metadata: {}, spec: {} }),
    hasUid: true,
  },
  {
    what: "a request about a Deployment",
    body: reviewOf(annotatedPod(), { kind: { group: "apps", version: "v1", kind: "Deployment" } }),
    hasUid: true,
  },
  { what: "no namespace", body: reviewOf(annotatedPod(), { namespace: undefined }), hasUid: true },
];

for (const { what, body, hasUid } of cases) {
  test(`readAdmissionReview() refuses ${what}`, () => {
    const read = readAdmissionReview(body);
    assert.ok(!read.ok);
    assert.equal(read.problem.refusal.code, "REQUEST_INVALID");
    assert.match(read.problem.refusal.message, /^Cannot read the AdmissionReview: .*; expected /);
    assert.equal(read.problem.uid !== undefined, hasUid);
  });
}

test("readAdmissionReview() returns what a decision needs", () => {
  const read = readAdmissionReview(reviewOf(annotatedPod(), { dryRun: true }));
  assert.ok(read.ok);
  const { object, ...rest } = read.value;
  assert.deepEqual(object, annotatedPod());
  assert.deepEqual(rest, {
    uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
    createsPod: true,
    namespace: "shop",
    user: {
      name: "system:serviceaccount:kube-system:replicaset-controller",
      groups: ["system:authenticated"],
    },
    dryRun: true,
  });
});

test("readAdmissionReview() never throws", () => {
  fc.assert(fc.property(fc.jsonValue(), (body) => void readAdmissionReview(body)));
  const keys = ["uid", "operation", "kind", "namespace", "userInfo", "dryRun", "object", "subResource"];
  fc.assert(
    fc.property(
      fc.constantFrom(...keys),
      fc.jsonValue(),
      (key, value) => void readAdmissionReview(reviewOf(annotatedPod(), { [key]: value })),
    ),
  );
});

test("formatReview() encodes a patch in base64 and adds its type, and adds neither if nothing changes", () => {
  const patch = [{ op: "add", path: "/metadata/labels", value: { ä: "ö" } }] as const;
  const { response } = formatReview({ uid: "u", allowed: true, patch: JSON.stringify(patch) }) as {
    response: Record<string, string>;
  };
  assert.equal(response["patchType"], "JSONPatch");
  assert.deepEqual(JSON.parse(Buffer.from(response["patch"] ?? "", "base64").toString("utf8")), patch);
  assert.deepEqual(formatReview({ uid: "u", allowed: true, patch: undefined }), {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid: "u", allowed: true },
  });
});
