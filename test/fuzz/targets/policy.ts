// Role names, expressions, session settings and the whole decision. The invariant that matters most is "no escape":
// what a decision allows, an independent reading of the namespace's annotation allows too.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { ANNOTATIONS } from "../../../src/policy/annotations.ts";
import { assumeRoleInput, decideRoles } from "../../../src/policy/decide.ts";
import { compileExpression } from "../../../src/policy/expression.ts";
import { pinnedFacts } from "../../../src/policy/pin.ts";
import { parseBaseArn, resolveRole } from "../../../src/policy/role.ts";
import { kiamSessionName, sessionName } from "../../../src/policy/session-name.ts";
import { sessionPolicies } from "../../../src/policy/session-policy.ts";
import { isRefusal } from "../../../src/protocol/errors.ts";
import { BASE_ARN, podFactsWith, policySettingsWith, parsedRole as roleOf, STS_NAME } from "../../policy/facts.ts";
import { anyExpression, hostileText, mutatedText, sharedExpression } from "../generate.ts";
import { canaryOf, defineTarget, messageOf } from "../target.ts";

const ROLES = [
  "shop-orders",
  "/shop-orders",
  "team/shop-a",
  "arn:aws:iam::123456789012:role/bank-admin",
  "arn:aws-cn:iam::1:role/x",
];
const roleText = mutatedText(ROLES);
const LEGAL_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/(?:[\x21-\x7e]{1,510}\/)?[\w+=,.@-]{1,64}$/;

const role = defineTarget({
  name: "role",
  weight: 120,
  inputs: fc.tuple(roleText, fc.constantFrom(BASE_ARN, `${BASE_ARN}team/`, undefined)),
  run([text, base]) {
    const resolved = resolveRole(text, base);
    assert.ok(parseBaseArn(text) === undefined || text.startsWith("arn:aws"));
    if (isRefusal(resolved)) return [messageOf(resolved, ["ROLE_INVALID"])];
    assert.match(resolved.arn, LEGAL_ARN);
    if (!text.startsWith("arn:"))
      assert.ok(base !== undefined && resolved.arn.startsWith(base), `${text} left the base ARN`);
    return [];
  },
});

const expression = defineTarget({
  name: "expression",
  weight: 1,
  inputs: fc.tuple(
    anyExpression,
    fc.constantFrom(`${BASE_ARN}shop-orders`, `${BASE_ARN}${"a".repeat(64)}`, `${BASE_ARN}${"a/".repeat(255)}b`),
  ),
  run([source, text]) {
    const result = compileExpression(source);
    if (!result.ok) {
      assert.ok(result.problem.length < 500);
      return [result.problem];
    }
    const compiled = result.value;
    assert.ok(compiled.size <= 2_048, `${compiled.size} instructions`);
    const [whole, anywhere] = [compiled.matchesWhole(text), compiled.matchesAnywhere(text)];
    assert.ok(anywhere || !whole, "a whole match is a match somewhere");
    return [];
  },
});

/** JavaScript's reading of the namespace's annotations; undefined where it cannot be compared. */
function peerAllows(
  permitted: string | undefined,
  allowed: readonly string[] | undefined,
  arn: string,
): boolean | undefined {
  if (permitted === undefined && allowed === undefined) return false;
  try {
    if (permitted !== undefined && (permitted === "" || !new RegExp(`^(?:${permitted})$`, "u").test(arn))) return false;
    void new RegExp(permitted ?? "", "u");
  } catch {
    return undefined;
  }
  if (allowed === undefined) return true;
  const short = arn.startsWith(BASE_ARN) ? arn.slice(BASE_ARN.length) : undefined;
  return allowed.some((pattern) => {
    const isArn = /^arn:/i.test(pattern);
    const text = isArn ? arn : short;
    const own = isArn ? pattern : pattern.replace(/^\//, "");
    const source = own
      .split("*")
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join(".*");
    return text !== undefined && new RegExp(`^${source}$`, "su").test(text);
  });
}

/** RE2 and JavaScript read repeated repetitions and anchors inside repetitions differently. */
const SHARED = /[*+?}][*+{]|[\^$][*+?{]|\}\?|[*+]\?/;

const decision = defineTarget({
  name: "decision",
  weight: 2,
  inputs: fc.record({
    role: roleText,
    own: fc.option(roleText, { nil: undefined }),
    permitted: fc.option(sharedExpression, { nil: undefined, freq: 4 }),
    allowed: fc.option(
      fc.array(fc.constantFrom("*", "shop-*", "/shop-*", "bank", "arn:aws:iam::*:role/shop-*", "a*b*c", "."), {
        minLength: 1,
        maxLength: 3,
      }),
      { nil: undefined, freq: 2 },
    ),
    participants: fc.option(mutatedText(["app", "app,worker", "", " app , ", "other"]), { nil: undefined, freq: 2 }),
  }),
  run({ role: text, own, permitted, allowed, participants }) {
    const annotations = {
      [ANNOTATIONS.role]: text,
      ...(own !== undefined && { [`${ANNOTATIONS.roleOfContainer}worker`]: own }),
      ...(participants !== undefined && { [ANNOTATIONS.containers]: participants }),
    };
    const namespaceAnnotations = {
      ...(permitted !== undefined && { [ANNOTATIONS.permitted]: permitted }),
      ...(allowed !== undefined && { [ANNOTATIONS.allowedRoles]: JSON.stringify(allowed) }),
    };
    const facts = podFactsWith(annotations, { containers: ["app", "worker"] });
    const { roles, refusal } = decideRoles(
      facts,
      { namespaceAnnotations, serviceAccountAnnotations: {} },
      policySettingsWith(),
    );
    if (refusal) return [messageOf(refusal, ["CONTAINER_UNKNOWN", "ANNOTATION_INVALID"])];
    return roles.map((one) => {
      if (one.outcome !== "allowed")
        return messageOf(one.refusal, ["ROLE_FORBIDDEN", "ROLE_INVALID", "PERMITTED_INVALID"]);
      assert.match(one.role.arn, LEGAL_ARN);
      const isShared = permitted === undefined || !SHARED.test(permitted);
      const peer = isShared ? peerAllows(permitted, allowed, one.role.arn) : undefined;
      assert.notEqual(peer, false, `${one.role.arn} is allowed by ${permitted} and ${JSON.stringify(allowed)}`);
      return one.role.arn;
    });
  },
});

const PODS = ["web-1", "web-5d9f8-x2x4z", "a".repeat(253)];

const session = defineTarget({
  name: "session",
  weight: 50,
  inputs: fc.record({
    name: fc.option(mutatedText(["orders", "orders@shop", "a", "x".repeat(64)]), { nil: undefined }),
    duration: fc.option(mutatedText(["15m", "1h", "12h", "30", "1h30m", "PT1H"]), { nil: undefined }),
    externalId: fc.option(mutatedText(["external-1", `${canaryOf("an external ID")} b`, "x:y/z"]), { nil: undefined }),
    policies: fc.option(
      mutatedText([
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::123456789012:policy/a,arn:aws:iam::aws:policy/b",
      ]),
      { nil: undefined },
    ),
    configMap: fc.option(mutatedText(["orders-policy", "a.b"]), { nil: undefined, freq: 2 }),
    policy: fc.option(mutatedText(['{"Version":"2012-10-17","Statement":[]}', "{}", "not json"]), { nil: undefined }),
    label: hostileText,
    pod: fc.constantFrom(...PODS),
    isTagged: fc.boolean(),
  }),
  run({ name, duration, externalId, policies, configMap, policy, label, pod: podName, isTagged }) {
    const annotations = {
      ...(name !== undefined && { [ANNOTATIONS.sessionName]: name }),
      ...(duration !== undefined && { [ANNOTATIONS.sessionDuration]: duration }),
      ...(externalId !== undefined && { [ANNOTATIONS.externalId]: externalId }),
      ...(policies !== undefined && { [ANNOTATIONS.sessionPolicyArns]: policies }),
      ...(configMap !== undefined && { [ANNOTATIONS.sessionPolicy]: configMap }),
    };
    const facts = podFactsWith(annotations, { name: podName, labels: { team: label } });
    const own = policySettingsWith({
      sessionTags: isTagged,
      sourceIdentity: true,
      maxSessionDurationMs: 43_200_000,
      ...(isTagged && { sessionTagLabels: ["team"] }),
    });
    const input = assumeRoleInput(facts, roleOf(`${BASE_ARN}shop-orders`), own, { text: policy });
    const left = [sessionPolicies(facts, roleOf(`${BASE_ARN}shop-orders`), { text: policy }), sessionName(facts, own)]
      .filter(isRefusal)
      .map((refusal) => messageOf(refusal, ["ANNOTATION_INVALID"]));
    assert.match(kiamSessionName(name ?? "kiam"), STS_NAME);
    if (isRefusal(input)) return [...left, messageOf(input, ["ANNOTATION_INVALID"])];
    assert.match(input.sessionName, STS_NAME);
    assert.ok(input.durationSeconds >= 900 && input.durationSeconds <= 43_200, `${input.durationSeconds} s`);
    assert.ok(input.sourceIdentity === undefined || STS_NAME.test(input.sourceIdentity));
    assert.ok((input.tags?.length ?? 0) <= 50);
    for (const { key, value } of input.tags ?? [])
      assert.ok(key.length <= 128 && value.length <= 256 && !/\p{C}/u.test(value));
    assert.ok((input.policy?.length ?? 0) <= 2_048 && (input.policyArns?.length ?? 0) <= 10);
    assert.ok(
      input.externalId === undefined || /^[\w+=,.@:/-]{2,1224}$/.test(input.externalId),
      String(input.externalId),
    );
    return left;
  },
});

const PINS = [
  `{"roles":{"app":"${BASE_ARN}shop-orders","job":"shop-a"},"session":{"${ANNOTATIONS.sessionName}":"nightly"}}`,
  `{"roles":{},"session":{"${ANNOTATIONS.externalId}":"x","${ANNOTATIONS.sessionDuration}":"1h"}}`,
  '{"roles":{"app,job":"a","__proto__":"b"},"session":{}}',
];

/** Whatever a pin says, it gives only roles that the namespace permits, and only to containers of the pod. */
const pin = defineTarget({
  name: "pin",
  weight: 50,
  inputs: mutatedText(PINS),
  run(text) {
    const containers = ["app", "job"];
    const facts = pinnedFacts(podFactsWith({ [ANNOTATIONS.role]: `${BASE_ARN}bank-admin` }, { containers, pin: text }));
    if (isRefusal(facts)) return [messageOf(facts, ["ROLE_UNPINNED"])];
    const inherited = {
      namespaceAnnotations: { [ANNOTATIONS.permitted]: `${BASE_ARN}shop-orders` },
      serviceAccountAnnotations: { [ANNOTATIONS.role]: `${BASE_ARN}bank-admin` },
    };
    const { roles, refusal } = decideRoles(facts, inherited, policySettingsWith({ defaultRole: "bank-admin" }));
    for (const { container, outcome, role: given, asked } of roles) {
      assert.ok(containers.includes(container) && text.includes(JSON.stringify(asked)));
      assert.ok(outcome !== "allowed" || given.arn === `${BASE_ARN}shop-orders`, `the pin gave ${given?.arn}`);
    }
    return refusal ? [messageOf(refusal, ["CONTAINER_UNKNOWN", "ANNOTATION_INVALID"])] : [];
  },
});

/** Annotations that are not podrole's may hold anything; no message may repeat them. */
const foreign = defineTarget({
  name: "foreign annotations",
  weight: 60,
  inputs: fc.tuple(roleText, mutatedText(["app", "app,other"]), hostileText),
  run([text, containers, key]) {
    const secret = canaryOf("an annotation of another program");
    const annotations = {
      [ANNOTATIONS.role]: text,
      [ANNOTATIONS.containers]: containers,
      [`example.com/${key}`]: secret,
      [key]: secret,
    };
    const { roles, refusal } = decideRoles(
      podFactsWith(annotations),
      { namespaceAnnotations: { [`example.com/${key}`]: secret }, serviceAccountAnnotations: {} },
      policySettingsWith(),
    );
    return [
      ...(refusal ? [refusal.message] : []),
      ...roles.map((one) => (one.outcome === "allowed" ? one.role.arn : one.refusal.message)),
    ];
  },
});

export const POLICY_TARGETS = [role, expression, decision, session, pin, foreign];
