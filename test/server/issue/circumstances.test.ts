import assert from "node:assert/strict";
import { test } from "node:test";
import { circumstancesOf } from "../../../src/server/issue/circumstances.ts";
import type { PodInContext } from "../../../src/server/issue/pod-directory.ts";

type Annotations = Readonly<Record<string, string>>;

function found(uid: string, pod: Annotations, namespace: Annotations = {}, account: Annotations = {}): PodInContext {
  const facts = { namespace: "team", name: "web", uid, serviceAccount: "app", labels: {}, containers: ["app"] };
  const inherited = { namespaceAnnotations: namespace, serviceAccountAnnotations: account };
  return { facts: { ...facts, annotations: pod }, inherited };
}

const ROLE = { "iam.amazonaws.com/role": "orders" };
const PERMITTED = { "iam.amazonaws.com/permitted": ".*" };

test("circumstancesOf() changes with the pod, and with podrole's annotations on it, its namespace and its ServiceAccount", () => {
  const digests = [
    found("u-1", ROLE, PERMITTED),
    found("u-2", ROLE, PERMITTED),
    found("u-1", { ...ROLE, "podrole.io/session-duration": "30m" }, PERMITTED),
    found("u-1", ROLE, { "iam.amazonaws.com/permitted": "arn:.*" }),
    found("u-1", ROLE, PERMITTED, ROLE),
  ].map(circumstancesOf);
  assert.equal(new Set(digests).size, digests.length);
});

test("circumstancesOf() does not change with annotations of others", () => {
  const touched = { ...ROLE, "example.com/checked-at": "12:00" };
  const heartbeat = { ...PERMITTED, "example.com/heartbeat": "4711" };
  assert.equal(circumstancesOf(found("u-1", touched, heartbeat)), circumstancesOf(found("u-1", ROLE, PERMITTED)));
});
