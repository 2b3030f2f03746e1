import assert from "node:assert/strict";
import { test } from "node:test";
import { assumeRoleInput } from "../../src/policy/decide.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { BASE, codeOf, pod, role, settings } from "./facts.ts";

const READER = role(`${BASE}reader`);

test("assumeRoleInput() contains only the required fields and the pod by default", () => {
  assert.deepEqual(assumeRoleInput(pod(), READER, settings()), {
    roleArn: `${BASE}reader`,
    sessionName: "shop.web-5d9f8-x2x4z",
    durationSeconds: 3600,
    onlyForUid: pod().uid,
  });
});

test("assumeRoleInput() contains everything that pod and settings request", () => {
  const annotations = {
    "iam.amazonaws.com/session-name": "nightly",
    "iam.amazonaws.com/external-id": "ext-1",
    "podrole.io/session-duration": "30m",
    "podrole.io/session-policy-arns": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "podrole.io/session-policy": "narrow",
  };
  const facts = pod(annotations, { labels: { team: "a" } });
  const all = settings({ sessionTagLabels: ["team"], sourceIdentity: true, firstHops: { [READER.arn]: `${BASE}hop` } });
  const text = '{"Statement":[]}';
  assert.deepEqual(assumeRoleInput(facts, READER, all, { text }), {
    roleArn: `${BASE}reader`,
    sessionName: "nightly",
    durationSeconds: 1800,
    externalId: "ext-1",
    tags: [{ key: "team", value: "a" }],
    sourceIdentity: "shop.web",
    policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    policy: text,
    via: `${BASE}hop`,
    onlyForUid: facts.uid,
  });
});

test("assumeRoleInput() keeps a session for one pod if its name is meant for that pod, and only then", () => {
  const named = { "iam.amazonaws.com/session-name": "nightly" };
  const kiam = settings({ sessionName: { kind: "kiam", session: "all" } });
  const cases = [
    [named, settings(), "u-1"],
    [named, kiam, "u-1"],
    [{}, kiam, undefined],
    [{ "iam.amazonaws.com/session-name": "" }, kiam, undefined],
    [{}, settings({ sessionName: { kind: "template", template: "{pod}" } }), "u-1"],
    [{}, settings({ sessionName: { kind: "template", template: "{namespace}" } }), undefined],
  ] as const;
  for (const [annotations, given, expected] of cases) {
    const input = assumeRoleInput(pod(annotations, { uid: "u-1" }), READER, given);
    assert.ok(!isRefusal(input));
    assert.equal(input.onlyForUid, expected);
  }
});

test("assumeRoleInput() requests at most an hour after a first hop", () => {
  const hop = settings({ sessionDurationMs: 7_200_000, firstHops: { [READER.arn]: `${BASE}hop` } });
  const chained = assumeRoleInput(pod(), READER, hop);
  const direct = assumeRoleInput(pod(), role(`${BASE}other`), hop);
  assert.ok(!isRefusal(chained) && !isRefusal(direct));
  assert.deepEqual([chained.durationSeconds, chained.via], [3600, `${BASE}hop`]);
  assert.deepEqual([direct.durationSeconds, direct.via], [7200, undefined]);
});

const BAD: readonly (readonly [string, string])[] = [
  ["iam.amazonaws.com/session-name", "a b"],
  ["iam.amazonaws.com/external-id", "a b"],
  ["podrole.io/session-duration", "1m"],
  ["podrole.io/session-policy-arns", "x"],
  ["podrole.io/session-policy", "narrow"],
];

for (const [annotation, value] of BAD) {
  test(`assumeRoleInput() refuses a ${annotation} that cannot be followed with ANNOTATION_INVALID`, () => {
    const refused = assumeRoleInput(pod({ [annotation]: value }), READER, settings());
    assert.equal(codeOf(refused), "ANNOTATION_INVALID");
    assert.ok(isRefusal(refused) && refused.message.includes(annotation));
  });
}

test("assumeRoleInput() refuses a tag that STS would reject", () => {
  const facts = pod({}, { labels: { team: "a;b" } });
  assert.equal(codeOf(assumeRoleInput(facts, READER, settings({ sessionTagLabels: ["team"] }))), "ANNOTATION_INVALID");
});

test("assumeRoleInput() makes tags transitive if the settings do, and omits the field without tags", () => {
  const input = (overrides: Parameters<typeof settings>[0]) => {
    const made = assumeRoleInput(pod(), READER, settings(overrides));
    assert.ok(!isRefusal(made));
    return [made.tags !== undefined, made.transitiveTags];
  };
  assert.deepEqual(input({ sessionTags: true, transitiveTags: true }), [true, true]);
  assert.deepEqual(input({ sessionTags: true }), [true, undefined]);
  assert.deepEqual(input({ sessionTagLabels: ["absent"], transitiveTags: true }), [false, undefined]);
});
