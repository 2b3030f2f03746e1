// Names that are none, in every field of an AdmissionReview that podrole uses.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { quoted } from "../../src/policy/annotations.ts";
import { readAdmissionReview } from "../../src/webhook/review.ts";
import { fc } from "../property.ts";
import { annotatedPod, reviewOf } from "./requests.ts";

/** Builds a review with `value` in one field. */
const FIELDS: Readonly<Record<string, (value: string) => Record<string, unknown>>> = {
  "request.namespace": (value) => reviewOf(annotatedPod(), { namespace: value }),
  "metadata.namespace": (value) => reviewOf(withMetadata({ namespace: value })),
  "metadata.name": (value) => reviewOf(withMetadata({ name: value })),
  "metadata.generateName": (value) => reviewOf(withMetadata({ generateName: value })),
  "spec.serviceAccountName": (value) => reviewOf(withSpec({ serviceAccountName: value })),
  "spec.serviceAccount": (value) => reviewOf(withSpec({ serviceAccount: value })),
  "spec.containers[0].name": (value) => reviewOf(withSpec({ containers: [{ name: value }] })),
  "spec.initContainers[0].name": (value) => reviewOf(withSpec({ initContainers: [{ name: value }] })),
};
const LABELS = ["request.namespace", "metadata.namespace", "spec.containers[0].name", "spec.initContainers[0].name"];

function withMetadata(metadata: object): Pod {
  const pod = annotatedPod();
  return { ...pod, metadata: { ...pod.metadata, ...metadata } };
}

function withSpec(spec: object): Pod {
  const pod = annotatedPod();
  return { ...pod, spec: { ...pod.spec, ...spec } };
}

const refused: readonly { readonly value: string; readonly quote?: string; readonly only?: readonly string[] }[] = [
  { value: ".." },
  { value: "." },
  { value: "shop/../kube-system" },
  { value: "%2e%2e" },
  { value: "shop?x=1" },
  { value: "Shop" },
  { value: "-shop" },
  { value: "shop\n" },
  { value: "shop\u001b[31m", quote: '"shop\\u001b[31m"' },
  { value: "shop\u009b31m", quote: '"shop\\u009b31m"' },
  { value: "shop\u2028x", quote: '"shop\\u2028x"' },
  { value: "ünïcode" },
  { value: "a..b" },
  { value: " " },
  { value: "a".repeat(254), quote: `"${"a".repeat(77)}..."` },
  { value: "a".repeat(64), only: LABELS },
  { value: "a.b", only: LABELS },
  { value: "shop-", only: Object.keys(FIELDS).filter((field) => field !== "metadata.generateName") },
];

suite("readAdmissionReview()", () => {
  for (const { value, quote = JSON.stringify(value), only = Object.keys(FIELDS) } of refused) {
    for (const field of only) {
      test(`refuses ${quote} as ${field}`, () => {
        const read = readAdmissionReview(FIELDS[field]?.(value));
        assert.ok(!read.ok);
        assert.equal(read.problem.refusal.code, "REQUEST_INVALID");
        const start = `Cannot read the AdmissionReview: ${field} is ${quote}; expected `;
        assert.equal(read.problem.refusal.message.slice(0, start.length), start);
        assert.equal(typeof read.problem.uid, "string");
      });
    }
  }

  for (const [field, values] of Object.entries({
    "request.namespace": ["shop", "a", "0", "a-b", "a".repeat(63)],
    "metadata.name": ["orders", "a.b-c.0", "a".repeat(253), ""],
    "metadata.generateName": ["orders-", "orders-1-", "orders.", "a--", "a".repeat(253), ""],
    "spec.serviceAccountName": ["orders", "a.b", ""],
    "spec.containers[0].name": ["app", "app-1", "a".repeat(63)],
  })) {
    for (const value of values) {
      test(`accepts ${quoted(value)} as ${field}`, () => assert.ok(readAdmissionReview(FIELDS[field]?.(value)).ok));
    }
  }

  for (const spec of [
    { containers: [{ name: "app" }, { name: "app" }] },
    { containers: [{ name: "app" }], initContainers: [{ name: "app" }] },
  ]) {
    test(`refuses a name that two containers have: ${Object.keys(spec).join(", ")}`, () => {
      const read = readAdmissionReview(reviewOf(withSpec(spec)));
      assert.ok(!read.ok);
      assert.equal(read.problem.refusal.code, "REQUEST_INVALID");
      assert.match(
        read.problem.refusal.message,
        /: two containers have the name "app"; expected a name of its own for each$/,
      );
    });
  }

  test("accepts containers of different names", () => {
    assert.ok(
      readAdmissionReview(
        reviewOf(withSpec({ containers: [{ name: "a" }, { name: "b" }], initContainers: [{ name: "c" }] })),
      ).ok,
    );
  });

  test("refuses a uid that is longer than 128 characters or not plain", () => {
    for (const uid of ["u".repeat(129), "u\n", "u u", "../u"]) {
      const read = readAdmissionReview(reviewOf(annotatedPod(), { uid }));
      assert.ok(!read.ok && read.problem.uid === undefined, JSON.stringify(uid));
    }
    assert.ok(readAdmissionReview(reviewOf(annotatedPod(), { uid: "u".repeat(128) })).ok);
  });

  test("does not look at the names of an object that is not created: other kinds have other names", () => {
    const role = { metadata: { name: "system:node" } };
    assert.ok(readAdmissionReview(reviewOf(role, { operation: "UPDATE", namespace: "" })).ok);
    assert.ok(!readAdmissionReview(reviewOf(role, { operation: "UPDATE", namespace: ".." })).ok);
  });

  test("lets no name through that could be a step of a path or a line of a log, whatever a caller sends", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[a-z0-9.-]{1,70}$/), fc.constant(".."));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(FIELDS)), text, (field, value) => {
        const read = readAdmissionReview(FIELDS[field]?.(value));
        if (read.ok) assert.match(value, /^(?!.*\.\.)(?:[a-z0-9](?:[a-z0-9.-]*))?$/);
        else assert.match(read.problem.refusal.message, /^[^\p{C}\p{Zl}\p{Zp}]{1,700}$/u);
      }),
    );
  });
});
