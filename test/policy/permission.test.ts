// What judging the roles of a pod may cost. Steps are counted before anything is matched, so the tests measure no time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRoles } from "../../src/policy/decide.ts";
import { judgeBy, MAX_STEPS } from "../../src/policy/permission.ts";
import { success } from "../../src/runtime/result.ts";
import {
  ALLOWED_ROLES_ANNOTATION,
  BASE_ARN,
  inherited,
  PERMITTED_ANNOTATION,
  podFactsWith,
  policySettingsWith,
  ROLE_ANNOTATION,
} from "./facts.ts";

const REGEXP = { allowedRolesFormat: "regexp" } as const;

const ordinaryArn = (index: number) => `${BASE_ARN}team/shop-orders-${index}-production`;
const longestArn = (index: number) =>
  `${BASE_ARN}${"aB1_".repeat(126)}${String(index).padStart(6, "0")}/${"n".repeat(64)}`;

function podWith(count: number, arn: (index: number) => string) {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return podFactsWith(Object.fromEntries(numbers.map((index) => [`${ROLE_ANNOTATION}.c${index}`, arn(index)])), {
    containers: numbers.map((index) => `c${index}`),
  });
}

const arrayOf = (count: number, pattern: (index: number) => string) =>
  JSON.stringify(Array.from({ length: count }, (_, index) => pattern(index)));

const listOf = (count: number, pattern: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => pattern(index)).join("|");

interface Hostile {
  readonly what: string;
  readonly namespace: Record<string, string>;
  readonly format?: typeof REGEXP;
  readonly roles: number;
  /** The longest ones if absent. */
  readonly arn?: (index: number) => string;
  readonly why: RegExp;
}

const HOSTILE: readonly Hostile[] = [
  {
    what: "one expression of 6001 instructions",
    namespace: { [PERMITTED_ANNOTATION]: String.raw`(?:\b|.?){1000}!` },
    roles: 1,
    why: /\(iam\.amazonaws\.com\/permitted\), which is too large to compile; expected at most 4096 instructions/,
  },
  {
    what: "one expression and one of the longest ARNs",
    namespace: { [PERMITTED_ANNOTATION]: String.raw`(?:\b|.?){300}!` },
    roles: 1,
    why: /which needs \d+ steps for a role of 606 characters; expected at most 500000$/,
  },
  {
    what: "one expression and 40 of the longest ARNs",
    namespace: { [PERMITTED_ANNOTATION]: String.raw`(?:\b|.?){100}!` },
    roles: 40,
    why: /which needs \d+ steps for 40 different roles of at most 606 characters; expected at most 500000$/,
  },
  {
    what: "an array of 60 expressions and 40 of the longest ARNs",
    namespace: {
      [ALLOWED_ROLES_ANNOTATION]: arrayOf(60, (index) => String.raw`arn:aws:iam::\d+:role/[a-z/]*team-${index}-.*`),
    },
    format: REGEXP,
    roles: 40,
    why: /\(iam\.amazonaws\.com\/allowed-roles, regexp\), which needs \d+ steps for 40 different roles/,
  },
  {
    what: "an array of short expressions that need many instructions",
    namespace: { [ALLOWED_ROLES_ANNOTATION]: arrayOf(4, (index) => String.raw`(?:\b|.?){200}${index}`) },
    format: REGEXP,
    roles: 1,
    why: /which needs \d+ steps for a role of 606 characters/,
  },
  {
    what: "an array of 1000 tiny expressions and 40 short roles",
    namespace: { [ALLOWED_ROLES_ANNOTATION]: arrayOf(1000, (index) => `${index % 10}`) },
    format: REGEXP,
    roles: 40,
    arn: (index) => `${BASE_ARN}${index}`,
    why: /which needs \d+ steps for 40 different roles of at most 33 characters/,
  },
  {
    what: "globs with 60 000 wildcards and 40 of the longest ARNs",
    namespace: { [ALLOWED_ROLES_ANNOTATION]: arrayOf(125, (index) => `${"*a".repeat(490)}*!${index}*`) },
    roles: 40,
    why: /\(iam\.amazonaws\.com\/allowed-roles, glob\), which needs \d+ steps for 40 different roles/,
  },
  {
    what: "globs of whole ARNs with 60 000 wildcards and 40 of the longest ARNs",
    namespace: {
      [ALLOWED_ROLES_ANNOTATION]: arrayOf(125, (index) => `arn:aws:iam::1*:role/${"*a".repeat(490)}*!${index}`),
    },
    roles: 40,
    why: /\(iam\.amazonaws\.com\/allowed-roles, glob\), which needs \d+ steps for 40 different roles/,
  },
];

for (const { what, namespace, format, roles, arn = longestArn, why } of HOSTILE) {
  test(`decideRoles() refuses every role with PERMITTED_INVALID over ${what}`, () => {
    const decided = decideRoles(podWith(roles, arn), inherited(namespace), policySettingsWith(format));
    assert.equal(decided.roles.length, roles);
    for (const { refusal } of decided.roles) {
      assert.equal(refusal?.code, "PERMITTED_INVALID");
      assert.match(refusal.message, why);
    }
  });
}

interface Ordinary {
  readonly what: string;
  readonly namespace: Record<string, string>;
  readonly format?: typeof REGEXP;
  readonly roles: number;
  readonly outcome: "allowed" | "refused";
}

const ORDINARY: readonly Ordinary[] = [
  {
    what: "one wildcard",
    namespace: { [PERMITTED_ANNOTATION]: `${BASE_ARN}team/shop-.*` },
    roles: 100,
    outcome: "allowed",
  },
  {
    what: "several words anywhere",
    namespace: { [PERMITTED_ANNOTATION]: ".*(reader|writer|admin-[0-9]+|orders-[0-9]+).*" },
    roles: 100,
    outcome: "allowed",
  },
  {
    what: "a list of 60 teams",
    namespace: {
      [PERMITTED_ANNOTATION]: String.raw`arn:aws:iam::\d+:role/[a-z/]*(${listOf(60, (index) => `team-${index}-.*`)})`,
    },
    roles: 10,
    outcome: "refused",
  },
  {
    what: "a list of 60 expressions, each with several wildcards",
    namespace: { [PERMITTED_ANNOTATION]: listOf(60, (index) => `.*:role/(.*/)?shop-orders-${index}-[a-z0-9-]+`) },
    roles: 3,
    outcome: "allowed",
  },
  {
    what: "a list of 60 ARNs",
    namespace: { [PERMITTED_ANNOTATION]: listOf(60, ordinaryArn) },
    roles: 4,
    outcome: "allowed",
  },
  {
    what: "an array of 60 expressions",
    namespace: {
      [ALLOWED_ROLES_ANNOTATION]: arrayOf(
        60,
        (index) => String.raw`arn:aws:iam::\d+:role/[a-z/]*shop-orders-${index}-.*`,
      ),
    },
    format: REGEXP,
    roles: 2,
    outcome: "allowed",
  },
  {
    what: "an array of 300 globs",
    namespace: { [ALLOWED_ROLES_ANNOTATION]: arrayOf(300, (index) => `team/shop-*-${index}-*`) },
    roles: 50,
    outcome: "allowed",
  },
];

for (const { what, namespace, format, roles, outcome } of ORDINARY) {
  test(`decideRoles() judges ${roles} different roles of a pod by ${what}`, () => {
    const decided = decideRoles(podWith(roles, ordinaryArn), inherited(namespace), policySettingsWith(format));
    assert.equal(decided.roles.length, roles);
    for (const decision of decided.roles) {
      assert.equal(decision.outcome, outcome);
      assert.notEqual(decision.refusal?.code, "PERMITTED_INVALID");
    }
  });
}

test("decideRoles() counts a role once, however many containers have it", () => {
  const namespace = inherited({
    [PERMITTED_ANNOTATION]: listOf(60, (index) => `.*:role/(.*/)?shop-orders-${index}-[a-z0-9-]+`),
  });
  const { roles } = decideRoles(
    podWith(128, () => ordinaryArn(7)),
    namespace,
    policySettingsWith(),
  );
  assert.deepEqual([...new Set(roles.map(({ outcome }) => outcome))], ["allowed"]);
});

test("decideRoles() denies clearly when one annotation denies and the other takes too many steps", () => {
  const costly = String.raw`(?:\b|.?){300}!`;
  for (const namespace of [
    { [PERMITTED_ANNOTATION]: "", [ALLOWED_ROLES_ANNOTATION]: JSON.stringify([`arn:${costly}`]) },
    { [PERMITTED_ANNOTATION]: costly, [ALLOWED_ROLES_ANNOTATION]: "[]" },
  ]) {
    const [decision] = decideRoles(podWith(1, longestArn), inherited(namespace), policySettingsWith(REGEXP)).roles;
    assert.equal(decision?.refusal?.code, "ROLE_FORBIDDEN");
  }
});

test("decideRoles() decides only on the containers that it is given, as it decides on them among all", () => {
  const facts = podWith(20, ordinaryArn);
  const namespace = inherited({ [PERMITTED_ANNOTATION]: ".*-1?[24680]-.*" });
  const all = decideRoles(facts, namespace, policySettingsWith()).roles;
  const some = decideRoles(facts, namespace, policySettingsWith(), ["c3", "c12", "stranger"]).roles;
  assert.deepEqual(
    some,
    all.filter(({ container }) => container === "c3" || container === "c12"),
  );
  assert.deepEqual(
    some.map(({ outcome }) => outcome),
    ["refused", "allowed"],
  );
});

test("judgeBy() matches no role when all of them together need more steps than it accepts", () => {
  let matched = 0;
  const annotation = {
    namespace: "ns",
    name: PERMITTED_ANNOTATION,
    value: "x",
    title: PERMITTED_ANNOTATION,
    read: () =>
      success({
        permits: () => {
          matched += 1;
          return true;
        },
        steps: () => MAX_STEPS / 2,
      }),
  };
  const codes = (arns: readonly string[]) => {
    const judge = judgeBy(annotation, arns);
    return arns.map((arn) => {
      const permission = judge(arn);
      return permission.permitted ? "permitted" : permission.code;
    });
  };
  assert.deepEqual(codes(["a", "b", "c"]), ["PERMITTED_INVALID", "PERMITTED_INVALID", "PERMITTED_INVALID"]);
  assert.equal(matched, 0);
  assert.deepEqual(codes(["a", "b"]), ["permitted", "permitted"]);
  assert.equal(matched, 2);
});
