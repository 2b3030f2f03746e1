import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pod } from "../../../../src/kubernetes/objects.ts";
import {
  createKiam,
  KIAM_DEFAULTS,
  type KiamSettings,
  resolveByKiam,
} from "../../../../src/operations/migrate/from-kiam/authorization.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

const ROLE = "iam.amazonaws.com/role";
const PERMITTED = "iam.amazonaws.com/permitted";

const pod = (annotations: Record<string, string>): Pod => ({
  metadata: { name: "web", annotations },
  spec: { containers: [{ name: "app" }] },
});
const namespace = (annotations: Record<string, string>) => ({ name: "shop", labels: {}, annotations, isKnown: true });
const kiam = (changes: Partial<KiamSettings> = {}) =>
  createKiam({ ...KIAM_DEFAULTS, baseArn: EXPORT_BASE_ARN, ...changes });

suite("resolveByKiam()", () => {
  for (const [text, arn] of [
    ["myrole", `${EXPORT_BASE_ARN}myrole`],
    ["/myrole", `${EXPORT_BASE_ARN}myrole`],
    ["//myrole", `${EXPORT_BASE_ARN}/myrole`],
    ["kiam/myrole", `${EXPORT_BASE_ARN}kiam/myrole`],
    ["/kiam/myrole", `${EXPORT_BASE_ARN}kiam/myrole`],
    ["arn:aws:iam::999999999999:role/x", "arn:aws:iam::999999999999:role/x"],
    ["arn:a:b:c:d:e", "arn:a:b:c:d:e"],
    // The prefix is case-sensitive.
    ["ARN:aws:iam::999999999999:role/x", `${EXPORT_BASE_ARN}ARN:aws:iam::999999999999:role/x`],
    ["arn:foo", undefined],
    ["arn:", undefined],
  ] as const) {
    test(`returns ${arn ?? "undefined"} for ${text}`, () => assert.equal(resolveByKiam(text, EXPORT_BASE_ARN), arn));
  }

  test("prepends the base ARN as it is written", () => {
    assert.equal(resolveByKiam("x", "arn:aws:iam::1:role/team-"), "arn:aws:iam::1:role/team-x");
  });
});

suite("createKiam().permits()", () => {
  const A = `${EXPORT_BASE_ARN}team-a`;
  for (const [expression, strict, arn, expected] of [
    // TestVagueNamespaceAnnotationRegex
    ["o", true, A, false],
    ["o", false, A, true],
    [".*:role/team-a", true, A, true],
    [".*:role/team-a", true, `${EXPORT_BASE_ARN}team-ab`, false],
    // Without a group the anchors apply only to the first and the last alternative.
    [`${EXPORT_BASE_ARN}team-a|${EXPORT_BASE_ARN}team-b`, true, `${EXPORT_BASE_ARN}team-a-admin`, true],
    [`${EXPORT_BASE_ARN}team-a|${EXPORT_BASE_ARN}team-b`, true, `${EXPORT_BASE_ARN}team-b-admin`, false],
    [".*team-a|.*team-b", true, `${EXPORT_BASE_ARN}x/team-a/y`, true],
    ["", true, A, false],
    ["", false, A, false],
    ["team-a", true, A, false],
    ["(", true, A, undefined],
    // "^a)|(b$" does not compile, so "a)|(b" is an error, not a permission.
    ["a)|(b", true, A, undefined],
    ["(?i)ARN:.*", true, A, true],
  ] as const) {
    test(`returns ${expected} for ${arn.slice(EXPORT_BASE_ARN.length)} with ${expression || "(empty)"}, strict ${strict}`, () => {
      const system = kiam({ strictNamespaceRegexp: strict });
      assert.equal(system.permits(namespace({ [PERMITTED]: expression }), arn), expected);
    });
  }

  test("permits nothing without the annotation", () => {
    assert.equal(kiam().permits(namespace({}), A), false);
  });
});

suite("createKiam().outcomeOf()", () => {
  const open = namespace({ [PERMITTED]: ".*" });

  test("grants the role with kiam's session name and no external ID", () => {
    assert.deepEqual(kiam().outcomeOf(pod({ [ROLE]: "web" }), open), {
      kind: "granted",
      arn: `${EXPORT_BASE_ARN}web`,
      sessionName: "kiam-kiam",
      externalId: undefined,
    });
  });

  test("uses the annotations for session name and external ID", () => {
    const annotations = {
      [ROLE]: "web",
      "iam.amazonaws.com/session-name": "testing@#&-test%",
      "iam.amazonaws.com/external-id": "4711",
    };
    const before = kiam({ session: "other" }).outcomeOf(pod(annotations), open);
    assert.ok(before.kind === "granted");
    assert.deepEqual([before.sessionName, before.externalId], ["kiam-testing@---test-", "4711"]);
  });

  for (const [what, annotations, inherited, kind] of [
    ["no annotation", {}, open, "none"],
    ["an empty annotation", { [ROLE]: "" }, open, "none"],
    ["an ARN with fewer than six parts", { [ROLE]: "arn:foo" }, open, "crash"],
    ["a role that the namespace forbids", { [ROLE]: "web" }, namespace({ [PERMITTED]: ".*:role/other" }), "denied"],
    ["a namespace that permits nothing", { [ROLE]: "web" }, namespace({}), "denied"],
    ["an expression that does not compile", { [ROLE]: "web" }, namespace({ [PERMITTED]: "(" }), "denied"],
    ["an ARN of a user, which STS refuses", { [ROLE]: "arn:aws:iam::123456789012:user/x" }, open, "denied"],
    // kiam reads no annotation but the pod's.
    ["a default role of the namespace", {}, namespace({ "iam.amazonaws.com/default-role": "web" }), "none"],
  ] as const) {
    test(`returns ${kind} for ${what}`, () => assert.equal(kiam().outcomeOf(pod(annotations), inherited).kind, kind));
  }
});
