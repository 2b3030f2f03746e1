import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicySettings } from "../../src/policy/decide.ts";
import { findTemplateProblem, kiamSessionName, sessionName, sourceIdentity } from "../../src/policy/session-name.ts";
import { codeOf, podFactsWith, policySettingsWith, STS_NAME } from "./facts.ts";

const ANNOTATION = "iam.amazonaws.com/session-name";

function named(template: string, overrides: Parameters<typeof podFactsWith>[1] = {}, clusterName?: string): string {
  const rule = policySettingsWith({ sessionName: { kind: "template", template }, clusterName });
  const name = sessionName(podFactsWith({}, overrides), rule);
  return typeof name === "string" ? name : name.code;
}

test("sessionName() fills every placeholder", () => {
  assert.equal(named("{namespace}.{pod}"), "shop.web-5d9f8-x2x4z");
  assert.equal(named("{serviceAccount}@{cluster}", {}, "prod"), "web@prod");
  assert.equal(named("{uid}"), "0f1e2d3c-0000-4000-8000-000000000001");
  assert.equal(named("fixed"), "fixed");
});

test("sessionName() satisfies STS even if a filled template does not", () => {
  assert.equal(named("{cluster}", {}, "Köln/1"), "K-ln-1");
  assert.equal(named("{namespace}", { namespace: "a" }), "a-");
  assert.equal(named("{pod}", { name: undefined }), "--");
});

test("sessionName() shortens deterministically and keeps long names distinct", () => {
  const long = (name: string) => named("{namespace}.{pod}", { namespace: "n".repeat(40), name });
  const names = [long(`${"p".repeat(60)}-1`), long(`${"p".repeat(60)}-2`), long("p".repeat(22)), long("p".repeat(23))];
  assert.equal(new Set(names).size, 4);
  for (const name of names) assert.match(name, STS_NAME);
  assert.equal(names[0], long(`${"p".repeat(60)}-1`));
  assert.match(names[0] ?? "", /^n{40}\.p{10}-[0-9a-f]{12}$/);
});

test("sessionName() cannot be made to look like another pod's shortened name", () => {
  const victim = named("{namespace}.{pod}", { namespace: "n".repeat(20), name: "p".repeat(80) });
  const forged = named("{namespace}.{pod}", { namespace: "n".repeat(20), name: victim.slice(21) });
  assert.equal(victim.length, 64);
  assert.notEqual(forged, victim);
});

test("sessionName() uses the pod's annotation as it is", () => {
  assert.equal(
    sessionName(podFactsWith({ [ANNOTATION]: "nightly+job=1,a.b@c" }), policySettingsWith()),
    "nightly+job=1,a.b@c",
  );
  assert.equal(sessionName(podFactsWith({ [ANNOTATION]: "" }), policySettingsWith()), "shop.web-5d9f8-x2x4z");
});

test("sessionName() refuses an annotation that STS would not accept", () => {
  for (const value of ["a", "a b", "a/b", "a:b", "ä-ö", "x".repeat(65), "x\n", "{pod}"]) {
    const refused = sessionName(podFactsWith({ [ANNOTATION]: value }), policySettingsWith());
    assert.equal(codeOf(refused), "ANNOTATION_INVALID", value);
  }
});

test("sessionName() ignores properties of Object.prototype", () => {
  assert.equal(named("{namespace}-x"), "shop-x");
  assert.equal(findTemplateProblem("{constructor}")?.startsWith("{constructor} is not one of"), true);
});

test("findTemplateProblem() accepts templates that always result in a name", () => {
  for (const template of ["{namespace}.{pod}", "x", "podrole-{uid}", "a=b,{serviceAccount}"]) {
    assert.equal(findTemplateProblem(template), undefined, template);
  }
  assert.equal(findTemplateProblem("{cluster}.{pod}", "prod"), undefined);
});

test("findTemplateProblem() names the problem", () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ["{node}.{pod}", /^\{node\} is not one of \{namespace\}/],
    ["{}", /^\{\} is not one of/],
    ["{cluster}", /--cluster-name/],
    ["{pod}/x", /characters/],
    ["{pod", /characters/],
    ["", /empty/],
  ];
  for (const [template, why] of bad) assert.match(findTemplateProblem(template) ?? "", why);
});

const kiam: PolicySettings = policySettingsWith({ sessionName: { kind: "kiam", session: "kiam" } });

test("kiamSessionName() equals the result of kiam's regular expression on Go's bytes", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["kiam", "kiam-kiam"],
    ["testing@#&-test%", "kiam-testing@---test-"],
    ["é", "kiam--"],
    ["💶", "kiam--"],
    ["x".repeat(59), `kiam-${"x".repeat(59)}`],
    ["x".repeat(60), `kiam-${"x".repeat(58)}`],
    // 5 + 57 + 2 bytes: 64, unchanged; one byte more and the cut is within "é".
    [`${"x".repeat(57)}é`, `kiam-${"x".repeat(57)}-`],
    [`${"x".repeat(57)}éy`, `kiam-${"x".repeat(57)}-`],
    [`${"x".repeat(56)}💶y`, `kiam-${"x".repeat(56)}--`],
  ];
  for (const [given, wanted] of cases) assert.equal(kiamSessionName(given), wanted);
});

test("sessionName() by kiam's rule prefers the annotation to --session", () => {
  assert.equal(sessionName(podFactsWith(), kiam), "kiam-kiam");
  assert.equal(sessionName(podFactsWith({ [ANNOTATION]: "my app" }), kiam), "kiam-my-app");
  assert.equal(sessionName(podFactsWith({ [ANNOTATION]: "" }), kiam), "kiam-kiam");
});

test("sourceIdentity() names namespace and service account, whatever the pod's annotations are", () => {
  const on = policySettingsWith({ sourceIdentity: true });
  assert.equal(sourceIdentity(podFactsWith({ [ANNOTATION]: "somebody-else" }), on), "shop.web");
  assert.equal(sourceIdentity(podFactsWith(), policySettingsWith()), undefined);
  assert.match(sourceIdentity(podFactsWith({}, { serviceAccount: "s".repeat(253) }), on) ?? "", STS_NAME);
});
