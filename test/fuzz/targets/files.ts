// Files that operators pass to the command line, and lines of logs: manifests, audit records, CloudTrail.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readApiEvent } from "../../../src/operations/audit/records/api-events.ts";
import { readCalls } from "../../../src/operations/audit/records/aws-calls.ts";
import { readRecord } from "../../../src/operations/audit/records/podrole-records.ts";
import { injectManifests } from "../../../src/operations/inject/inject.ts";
import { parseObjects } from "../../../src/operations/manifests/parse-objects.ts";
import { takeInventory } from "../../../src/operations/migrate/input/inventory.ts";
import { readText } from "../../files.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { mutatedJson, mutatedText } from "../generate.ts";
import { defineTarget } from "../target.ts";

const example = readText("manifests/examples/app.yaml");
const MANIFESTS = [
  example,
  "kind: List\nitems:\n- {kind: Pod, metadata: {name: a}, spec: {containers: [{name: x}]}}\n",
  "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nkind: Pod\n",
  "kind: Pod\nmetadata: {<<: {name: a}}\n---\n- 1\n",
  '{"kind":"PodList","items":[{"metadata":{"name":"a"}},null,1]}',
];

const manifests = defineTarget({
  name: "manifests",
  weight: 1,
  inputs: mutatedText(MANIFESTS),
  run(text) {
    const { objects, problems } = parseObjects(text, "x.yaml");
    for (const object of objects) assert.equal(typeof object.kind, "string");
    for (const problem of problems)
      assert.ok(problem.startsWith("x.yaml") && problem.length < 1_000, problem.slice(0, 200));
    takeInventory(objects);
    const edited = injectManifests({ text, origin: "x.yaml" }, { settings: PLAN_SETTINGS, permitted: undefined });
    if (!edited.ok) assert.ok(edited.problems.length > 0);
    return problems;
  },
});

const RECORD = {
  time: "2026-01-01T00:00:00Z",
  audit: "credentials",
  namespace: "shop",
  pod: "web",
  podUid: "u",
  container: "app",
  decision: "issued",
  role: "arn:aws:iam::123456789012:role/a",
  accessKeyId: "ASIA",
  expiration: "2026-01-01T01:00:00Z",
  roles: [{ container: "app", asked: "a", resolved: "arn:aws:iam::123456789012:role/a" }],
  groups: ["a"],
};
const EVENT = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  stage: "ResponseComplete",
  verb: "create",
  auditID: "x",
  user: { username: "alice", groups: ["a"], extra: { "authentication.kubernetes.io/credential-id": ["JTI=1"] } },
  objectRef: { resource: "pods", namespace: "shop", name: "web", uid: "u" },
  annotations: { "pods.podrole.io/request": "r" },
  responseObject: { metadata: { name: "web", uid: "u" } },
  stageTimestamp: "2026-01-01T00:00:00Z",
};
const TRAIL = {
  Records: [
    { eventTime: "2026-01-01T00:00:00Z", eventName: "GetObject", userIdentity: { accessKeyId: "ASIA", arn: "arn" } },
  ],
};

const json = (value: object) => JSON.stringify(value);

const logLines = defineTarget({
  name: "log lines",
  weight: 60,
  inputs: fc.tuple(
    fc.oneof(
      mutatedJson([RECORD, { ...RECORD, audit: "admission" }, { ...RECORD, audit: "certificate" }, EVENT, TRAIL]).map(
        json,
      ),
      mutatedText([json(RECORD), json(EVENT), json(TRAIL), `[pod/x] ${json(RECORD)}`]),
    ),
  ),
  run([line]) {
    const record = readRecord(line);
    if (record) assert.ok(["admission", "certificate", "credentials"].includes(record.kind));
    readApiEvent(line);
    readCalls(line);
    return [];
  },
});

export const FILE_TARGETS = [manifests, logLines];
