import assert from "node:assert/strict";
import { test } from "node:test";
import { accountMetadata, inheritedFrom, ownMetadata } from "../../src/policy/inherited.ts";
import { resolveRole } from "../../src/policy/role.ts";
import { BASE_ARN, codeOf } from "./facts.ts";

const NAMESPACE = {
  metadata: {
    labels: { "podrole.io/inject": "enabled", team: "shop" },
    annotations: { "iam.amazonaws.com/permitted": ".*", "example.com/note": "long", constructor: "x" },
  },
};
const ACCOUNT = { metadata: { annotations: { "iam.amazonaws.com/role": "orders", "podrole.io/other": "x" } } };

test("ownMetadata() selects podrole's labels and annotations, and leaves out what is empty then", () => {
  assert.deepEqual(ownMetadata(NAMESPACE), {
    metadata: { labels: { "podrole.io/inject": "enabled" }, annotations: { "iam.amazonaws.com/permitted": ".*" } },
  });
  assert.deepEqual(ownMetadata({ metadata: { labels: { team: "shop" } } }), { metadata: {} });
});

test("inheritedFrom() returns the same from an object and from its projection, and nothing from absent ones", () => {
  const inherited = {
    namespaceAnnotations: { "iam.amazonaws.com/permitted": ".*" },
    serviceAccountAnnotations: { "iam.amazonaws.com/role": "orders" },
  };
  assert.deepEqual(inheritedFrom(NAMESPACE, ACCOUNT), inherited);
  assert.deepEqual(inheritedFrom(ownMetadata(NAMESPACE), ownMetadata(ACCOUNT)), inherited);
  assert.deepEqual(inheritedFrom(undefined, undefined), { namespaceAnnotations: {}, serviceAccountAnnotations: {} });
});

test("accountMetadata() keeps only what counts on a ServiceAccount, and of a value that is too long what refuses it", () => {
  const annotations = {
    "iam.amazonaws.com/role": "x".repeat(250_000),
    "iam.amazonaws.com/permitted": "y".repeat(250_000),
  };
  const kept = accountMetadata({ metadata: { labels: { a: "b" }, annotations } });
  assert.deepEqual(kept, { metadata: { annotations: { "iam.amazonaws.com/role": "x".repeat(16_385) } } });
  assert.equal(
    codeOf(resolveRole(kept.metadata.annotations?.["iam.amazonaws.com/role"] ?? "", BASE_ARN)),
    "ROLE_INVALID",
  );
});
