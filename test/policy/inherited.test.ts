import assert from "node:assert/strict";
import { test } from "node:test";
import { inheritedFrom, ownMetadata } from "../../src/policy/inherited.ts";

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
