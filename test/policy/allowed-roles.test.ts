import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeByAllowedRoles } from "../../src/policy/allowed-roles.ts";
import { matchesArnGlob, matchesGlob } from "../../src/policy/glob.ts";
import { BASE_ARN } from "./facts.ts";

const OTHER = "arn:aws:iam::999999999999:role/";

interface Case {
  readonly what: string;
  readonly patterns: readonly string[];
  readonly permits: readonly string[];
  readonly denies: readonly string[];
  readonly baseArn?: undefined;
}

const GLOBS: readonly Case[] = [
  {
    what: "a name",
    patterns: ["x"],
    permits: [`${BASE_ARN}x`],
    denies: [`${BASE_ARN}xy`, `${BASE_ARN}p/x`, `${OTHER}x`],
  },
  { what: "a name with a slash", patterns: ["/x"], permits: [`${BASE_ARN}x`], denies: [`${BASE_ARN}y`] },
  {
    what: "a wild card",
    patterns: ["team-*"],
    permits: [`${BASE_ARN}team-a`, `${BASE_ARN}team-a/x`],
    denies: [`${BASE_ARN}my-team-a`],
  },
  {
    what: "every role of the account",
    patterns: ["*"],
    permits: [`${BASE_ARN}x`, `${BASE_ARN}p/x`],
    denies: [`${OTHER}x`],
  },
  { what: "a full ARN", patterns: [`${OTHER}x`], permits: [`${OTHER}x`], denies: [`${BASE_ARN}x`, `${OTHER}xy`] },
  { what: "an account", patterns: [`${OTHER}*`], permits: [`${OTHER}a/b`], denies: [`${BASE_ARN}a`] },
  {
    what: "a role of any account",
    patterns: ["arn:aws:iam::*:role/x"],
    permits: [`${BASE_ARN}x`, `${OTHER}x`],
    denies: [`${BASE_ARN}y`, "arn:aws:iam::666666666666:role/p:role/x"],
  },
  {
    what: "one of several",
    patterns: ["a", "b"],
    permits: [`${BASE_ARN}a`, `${BASE_ARN}b`],
    denies: [`${BASE_ARN}ab`],
  },
  { what: "no role", patterns: [], permits: [], denies: [`${BASE_ARN}x`] },
  {
    what: "characters of expressions as themselves",
    patterns: ["a.c", "[ab]", "a?"],
    permits: [],
    denies: [`${BASE_ARN}abc`, `${BASE_ARN}a`],
  },
  {
    what: "no short pattern without a base ARN",
    patterns: ["*", "x", `${OTHER}x`],
    baseArn: undefined,
    permits: [`${OTHER}x`],
    denies: [`${BASE_ARN}x`],
  },
];

const EXPRESSIONS: readonly Case[] = [
  {
    what: "a name, whole",
    patterns: ["foo"],
    permits: [`${BASE_ARN}foo`],
    denies: [`${BASE_ARN}foobar`, `${BASE_ARN}barfoo`, `${OTHER}foo`],
  },
  { what: "a name with a slash", patterns: ["/foo.*"], permits: [`${BASE_ARN}foobar`], denies: [`${BASE_ARN}barfoo`] },
  { what: "every role of the account", patterns: [".*"], permits: [`${BASE_ARN}p/x`], denies: [`${OTHER}x`] },
  {
    what: "an alternation",
    patterns: ["a|b"],
    permits: [`${BASE_ARN}a`, `${BASE_ARN}b`],
    denies: [`${BASE_ARN}ab`, `${OTHER}b`],
  },
  { what: "an alternation with everything", patterns: ["a|.*"], permits: [`${BASE_ARN}z`], denies: [`${OTHER}z`] },
  { what: "a full ARN", patterns: [`${OTHER}x-.*`], permits: [`${OTHER}x-1`], denies: [`${OTHER}x`, `${BASE_ARN}x-1`] },
  { what: "an anchored ARN", patterns: [`^${OTHER}x$`], permits: [`${OTHER}x`], denies: [`${OTHER}xx`] },
  { what: "no group that leaves its place", patterns: ["x)|(.*"], permits: [], denies: [] },
  {
    what: "no short pattern without a base ARN",
    patterns: [".*"],
    baseArn: undefined,
    permits: [],
    denies: [`${BASE_ARN}x`],
  },
];

for (const [format, cases] of [
  ["glob", GLOBS],
  ["regexp", EXPRESSIONS],
] as const) {
  for (const { what, patterns, permits, denies, ...rest } of cases) {
    test(`judgeByAllowedRoles() by ${format} permits ${what}`, () => {
      const baseArn = "baseArn" in rest ? undefined : BASE_ARN;
      const judge = (arn: string) =>
        judgeByAllowedRoles("ns", JSON.stringify(patterns), [arn], { format, baseArn })(arn);
      for (const arn of permits) assert.deepEqual(judge(arn), { permitted: true }, arn);
      for (const arn of denies) {
        const verdict = judge(arn);
        assert.ok(!verdict.permitted, arn);
        assert.equal(verdict.code, "ROLE_FORBIDDEN", arn);
      }
    });
  }
}

const UNREADABLE: readonly (readonly [what: string, annotation: string, format: "glob" | "regexp", why: RegExp])[] = [
  ["no JSON", "team-*", "glob", /is not JSON/],
  ["half an array", '["a", "b"', "glob", /is not JSON/],
  ["a misplaced comma", '["a",]', "glob", /is not JSON/],
  ["a text", '"a"', "glob", /is not a JSON array/],
  ["an object", '{"a":1}', "glob", /is not a JSON array/],
  ["null", "null", "glob", /is not a JSON array/],
  ["a number in the array", '["a", 1]', "glob", /an element 2 /],
  ["an empty pattern", '["a", ""]', "regexp", /an element 2 /],
  ["a broken expression", '["a", "b("]', "regexp", /a pattern 2 that is not an RE2 expression: missing closing \)/],
  ["a group that closes ours", '["x)|(.*"]', "regexp", /a pattern 1 that is not an RE2 expression/],
  ["too many patterns", JSON.stringify(Array.from({ length: 1001 }, () => "a")), "glob", /1001 patterns/],
  ["a glob too long", JSON.stringify(["a".repeat(2049)]), "glob", /more than 2048/],
  [
    "expressions too large together",
    JSON.stringify(Array.from({ length: 5 }, (_, i) => `.{900}${i}`)),
    "regexp",
    /needs more than 4096 instructions/,
  ],
  [
    "expressions that cost too much to compile",
    JSON.stringify(Array.from({ length: 20 }, (_, i) => `a|b|(?i)[B-\\x{1e900}]${i}`)),
    "regexp",
    /is too large to compile; expected at most 8192 instructions in all patterns/,
  ],
];

for (const [what, annotation, format, why] of UNREADABLE) {
  test(`judgeByAllowedRoles() permits nothing when it reads ${what}`, () => {
    const verdict = judgeByAllowedRoles("ns", annotation, [`${BASE_ARN}a`], { format, baseArn: BASE_ARN })(
      `${BASE_ARN}a`,
    );
    assert.ok(!verdict.permitted);
    assert.equal(verdict.code, "PERMITTED_INVALID");
    assert.match(verdict.state, why);
    assert.match(
      verdict.state,
      /^namespace "ns" permits .* \(iam\.amazonaws\.com\/allowed-roles, (glob|regexp)\), which /,
    );
    assert.ok(verdict.state.length < 400);
  });
}

test("judgeByAllowedRoles() permits nothing when the annotation is empty", () => {
  const verdict = judgeByAllowedRoles("ns", "", [`${BASE_ARN}a`], { format: "glob", baseArn: BASE_ARN })(
    `${BASE_ARN}a`,
  );
  assert.ok(!verdict.permitted);
  assert.equal(verdict.code, "ROLE_FORBIDDEN");
});

test("judgeByAllowedRoles() reads the same text by the format that is set", () => {
  const judge = (format: "glob" | "regexp") =>
    judgeByAllowedRoles("ns", '["a.c"]', [`${BASE_ARN}abc`], { format, baseArn: BASE_ARN })(`${BASE_ARN}abc`).permitted;
  assert.deepEqual([judge("glob"), judge("regexp"), judge("glob")], [false, true, false]);
});

test("matchesGlob() takes * for any text", () => {
  const yes = [
    ["*", ""],
    ["a*", "a"],
    ["*a", "ba"],
    ["a*b*c", "abbcc"],
    ["**", "x"],
    ["a*a", "aa"],
    ["*ab*ab", "abab"],
  ];
  const no = [
    ["", "a"],
    ["a*a", "a"],
    ["a*b", "abc"],
    ["*ab*ab", "ab"],
    ["a*b*c", "acb"],
    ["a*bc*c", "abc"],
  ];
  for (const [pattern = "", text = ""] of yes) assert.equal(matchesGlob(pattern, text), true, `${pattern} ${text}`);
  for (const [pattern = "", text = ""] of no) assert.equal(matchesGlob(pattern, text), false, `${pattern} ${text}`);
});

test("matchesArnGlob() keeps * within its part of a whole ARN", () => {
  assert.equal(matchesArnGlob("arn:aws:iam::*:role/x", `${OTHER}x`), true);
  assert.equal(matchesArnGlob("arn:aws:iam::*:role/x", `${OTHER}p:role/x`), false);
  assert.equal(matchesArnGlob("arn:aws:iam::999999999999:role/p:*", `${OTHER}p:q/x`), true);
  assert.equal(matchesArnGlob("arn:aws:iam::9*", `${OTHER}x`), true);
  assert.equal(matchesArnGlob("arn:aws:iam::9*", `${BASE_ARN}x`), false);
});
