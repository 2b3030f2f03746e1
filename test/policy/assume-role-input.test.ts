import assert from "node:assert/strict";
import { test } from "node:test";
import { assumeRoleInput } from "../../src/policy/decide.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { BASE_ARN, codeOf, parsedRole, podFactsWith, policySettingsWith } from "./facts.ts";

const READER = parsedRole(`${BASE_ARN}reader`);

test("assumeRoleInput() contains only the required fields and the pod by default", () => {
  assert.deepEqual(assumeRoleInput(podFactsWith(), READER, policySettingsWith()), {
    roleArn: `${BASE_ARN}reader`,
    sessionName: "shop.web-5d9f8-x2x4z",
    durationSeconds: 3600,
    onlyForUid: podFactsWith().uid,
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
  const facts = podFactsWith(annotations, { labels: { team: "a" } });
  const all = policySettingsWith({
    sessionTagLabels: ["team"],
    sourceIdentity: true,
    firstHops: { [READER.arn]: `${BASE_ARN}hop` },
  });
  const text = '{"Statement":[]}';
  assert.deepEqual(assumeRoleInput(facts, READER, all, { text }), {
    roleArn: `${BASE_ARN}reader`,
    sessionName: "nightly",
    durationSeconds: 1800,
    externalId: "ext-1",
    tags: [{ key: "team", value: "a" }],
    sourceIdentity: "shop.web",
    policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    policy: text,
    via: `${BASE_ARN}hop`,
    onlyForUid: facts.uid,
  });
});

test("assumeRoleInput() keeps a session for one pod if its name is meant for that pod, and only then", () => {
  const named = { "iam.amazonaws.com/session-name": "nightly" };
  const kiam = policySettingsWith({ sessionName: { kind: "kiam", session: "all" } });
  const cases = [
    [named, policySettingsWith(), "u-1"],
    [named, kiam, "u-1"],
    [{}, kiam, undefined],
    [{ "iam.amazonaws.com/session-name": "" }, kiam, undefined],
    [{}, policySettingsWith({ sessionName: { kind: "template", template: "{pod}" } }), "u-1"],
    [{}, policySettingsWith({ sessionName: { kind: "template", template: "{namespace}" } }), undefined],
  ] as const;
  for (const [annotations, given, expected] of cases) {
    const input = assumeRoleInput(podFactsWith(annotations, { uid: "u-1" }), READER, given);
    assert.ok(!isRefusal(input));
    assert.equal(input.onlyForUid, expected);
  }
});

test("assumeRoleInput() requests at most an hour after a first hop", () => {
  const hop = policySettingsWith({ sessionDurationMs: 7_200_000, firstHops: { [READER.arn]: `${BASE_ARN}hop` } });
  const chained = assumeRoleInput(podFactsWith(), READER, hop);
  const direct = assumeRoleInput(podFactsWith(), parsedRole(`${BASE_ARN}other`), hop);
  assert.ok(!isRefusal(chained) && !isRefusal(direct));
  assert.deepEqual([chained.durationSeconds, chained.via], [3600, `${BASE_ARN}hop`]);
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
    const refused = assumeRoleInput(podFactsWith({ [annotation]: value }), READER, policySettingsWith());
    assert.equal(codeOf(refused), "ANNOTATION_INVALID");
    assert.ok(isRefusal(refused) && refused.message.includes(annotation));
  });
}

test("assumeRoleInput() refuses a tag that STS would reject", () => {
  const facts = podFactsWith({}, { labels: { team: "a;b" } });
  assert.equal(
    codeOf(assumeRoleInput(facts, READER, policySettingsWith({ sessionTagLabels: ["team"] }))),
    "ANNOTATION_INVALID",
  );
});

test("assumeRoleInput() makes tags transitive if the settings do, and omits the field without tags", () => {
  const input = (overrides: Parameters<typeof policySettingsWith>[0]) => {
    const made = assumeRoleInput(podFactsWith(), READER, policySettingsWith(overrides));
    assert.ok(!isRefusal(made));
    return [made.tags !== undefined, made.transitiveTags];
  };
  assert.deepEqual(input({ sessionTags: true, transitiveTags: true }), [true, true]);
  assert.deepEqual(input({ sessionTags: true }), [true, undefined]);
  assert.deepEqual(input({ sessionTagLabels: ["absent"], transitiveTags: true }), [false, undefined]);
});
