import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeByAllowedRoles } from "../../src/policy/allowed-roles.ts";
import { compileExpression, MAX_EXPRESSION_LENGTH } from "../../src/policy/expression.ts";
import { compileCost, expressionSize } from "../../src/policy/expression-size.ts";
import { judgeByPermitted } from "../../src/policy/permitted.ts";
import { garbageCollection } from "../../src/runtime/buffer-collector.ts";
import { BASE_ARN } from "./facts.ts";

interface Case {
  readonly expression: string;
  readonly permits: readonly string[];
  readonly denies: readonly string[];
  /** Without the strict rule. */
  readonly vague?: boolean;
}

const OTHER = "arn:aws:iam::999999999999:role/";

const CASES: readonly Case[] = [
  { expression: ".*", permits: [`${BASE_ARN}x`, `${OTHER}x`], denies: [] },
  { expression: "", permits: [], denies: [`${BASE_ARN}x`] },
  { expression: "", vague: true, permits: [], denies: [`${BASE_ARN}x`] },
  { expression: " ", permits: [], denies: [`${BASE_ARN}x`] },
  { expression: "x", permits: [], denies: [`${BASE_ARN}x`] },
  { expression: "x", vague: true, permits: [`${BASE_ARN}x`, `${BASE_ARN}xy`], denies: [`${BASE_ARN}y`] },
  { expression: ".*/x", permits: [`${BASE_ARN}x`, `${OTHER}x`], denies: [`${BASE_ARN}xy`, `${BASE_ARN}ax`] },
  {
    expression: `^${BASE_ARN}team-a/.*$`,
    permits: [`${BASE_ARN}team-a/x`],
    denies: [`${BASE_ARN}team-b/x`, `${OTHER}team-a/x`],
  },
  {
    expression: ".*/team-a|.*/team-b",
    permits: [`${BASE_ARN}team-a`, `${BASE_ARN}team-b`],
    denies: [`${BASE_ARN}team-a-admin`, `${BASE_ARN}team-b-admin`, `${BASE_ARN}my-team-b`],
  },
  { expression: "arn:.*|x", permits: [`${BASE_ARN}y`], denies: ["x:arn", "ax"] },
  { expression: "(?i).*/TEAM", permits: [`${BASE_ARN}team`], denies: [`${BASE_ARN}teams`] },
  { expression: String.raw`\Q${BASE_ARN}a.b\E`, permits: [`${BASE_ARN}a.b`], denies: [`${BASE_ARN}axb`] },
  { expression: String.raw`\A.*:role/[[:alpha:]]+\z`, permits: [`${BASE_ARN}abc`], denies: [`${BASE_ARN}a1`] },
  { expression: "(?P<all>.*)-(ro|rw)", permits: [`${BASE_ARN}a-ro`], denies: [`${BASE_ARN}a-row`] },
  { expression: "(?m)^.*$", permits: [`${BASE_ARN}x`], denies: [] },
  { expression: `${BASE_ARN}x\n`, permits: [], denies: [`${BASE_ARN}x`] },
  { expression: "(a+)+$", permits: [], denies: [`${BASE_ARN}${"a".repeat(64)}!`] },
];

for (const { expression, permits, denies, vague = false } of CASES) {
  test(`judgeByPermitted() matches ${JSON.stringify(expression)}${vague ? " anywhere" : ""}`, () => {
    for (const arn of permits)
      assert.deepEqual(judgeByPermitted("ns", expression, [arn], !vague)(arn), { permitted: true }, arn);
    for (const arn of denies) {
      const verdict = judgeByPermitted("ns", expression, [arn], !vague)(arn);
      assert.ok(!verdict.permitted, arn);
      assert.equal(verdict.code, "ROLE_FORBIDDEN", arn);
    }
  });
}

const UNREADABLE: readonly (readonly [expression: string, where: RegExp])[] = [
  ["(", /missing closing \)/],
  ["[a", /missing closing \]/],
  [".*)", /unexpected \)/],
  ["ab**", /at character 3: "\*\*"/],
  [".*(?=admin)", /at character 3: "\(\?="/],
  [".*(?<!admin)", /at character 3/],
  [String.raw`(a)\1`, /at character 4: "\\\\1"/],
  ["a)|(b", /unexpected \)/],
  ["a".repeat(MAX_EXPRESSION_LENGTH + 1), /8193 characters; expected at most 8192/],
  [".{1000}".repeat(5), /is too large to compile; expected at most 4096 instructions/],
  // Few enough to be compiled, too many to be run.
  [".{1000}".repeat(3), /needs 3002 instructions; expected at most 2048/],
  // Compiling each of these ranges takes as long as 500 instructions.
  [`(?i)${"[B-\\x{1e900}]".repeat(9)}`, /is too large to compile; expected .*a Unicode class, or a character/],
  [`(?i)${"[B-\u{1e900}]".repeat(9)}`, /is too large to compile/],
  ["\\pL".repeat(9), /is too large to compile/],
  ["(".repeat(1500) + ")".repeat(1500), /nests too deeply/],
];

for (const [expression, where] of UNREADABLE) {
  const name = expression.length > 40 ? `${expression.slice(0, 20)}… (${expression.length})` : expression;
  test(`judgeByPermitted() permits nothing and names the place of the error for ${name}`, () => {
    for (const strict of [true, false]) {
      const verdict = judgeByPermitted("ns", expression, [`${BASE_ARN}admin`], strict)(`${BASE_ARN}admin`);
      assert.ok(!verdict.permitted);
      assert.equal(verdict.code, "PERMITTED_INVALID");
      assert.match(verdict.state, where);
      assert.match(verdict.state, /^namespace "ns" permits ".*\(iam\.amazonaws\.com\/permitted\), which /);
    }
  });
}

test("compileExpression() refuses an expression that is only valid once it is anchored", () => {
  // "^(?:" + "zz)|(admin" + ")$" is a readable expression of its own.
  const vague = judgeByPermitted("ns", "^(?:zz)|(admin)$", [`${BASE_ARN}admin`], false)(`${BASE_ARN}admin`);
  assert.equal(vague.permitted, true);
  const strict = judgeByPermitted("ns", "zz)|(admin", [`${BASE_ARN}admin`], true)(`${BASE_ARN}admin`);
  assert.equal(strict.permitted, false);
});

test("compileExpression() returns the same object for the same text", () => {
  assert.equal(compileExpression("same.*"), compileExpression("same.*"));
});

test("compileExpression() matches as before when others have evicted its program", () => {
  const first = compileExpression("arn:.*:role/first-.*");
  assert.ok(first.ok && first.value.matchesWhole(`${BASE_ARN}first-1`));
  // Each of these takes a third of what all cached programs may cost.
  for (const letter of ["w", "x", "y", "z"]) assert.ok(compileExpression(`(?:${letter}?){1000}`).ok);
  assert.ok(first.value.matchesWhole(`${BASE_ARN}first-2`));
  assert.ok(!first.value.matchesWhole(`${BASE_ARN}second-1`));
  assert.ok(!first.value.matchesWhole(`x${BASE_ARN}first-2`) && first.value.matchesAnywhere(`x${BASE_ARN}first-2`));
});

test("judgeByAllowedRoles() keeps what expressions cost within its budget, whatever namespaces contain", () => {
  const collect = garbageCollection();
  const mebibytes = () => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const before = mebibytes();
  for (let array = 0; array < 100; array++) {
    const patterns = Array.from({ length: 20 }, (_, index) => `${BASE_ARN}team-${array}-${index}-.*`);
    judgeByAllowedRoles("ns", JSON.stringify(patterns), [`${BASE_ARN}other`], { format: "regexp", baseArn: undefined })(
      `${BASE_ARN}other`,
    );
  }
  // Each of the 2000 programs takes 30 KiB after its first match.
  assert.ok(mebibytes() - before < 30, `${mebibytes() - before} MiB`);
});

test("compileExpression() handles hostile expressions on the longest ARN", () => {
  const arn = `${BASE_ARN}${"a".repeat(510)}/${"b".repeat(63)}!`;
  for (const source of ["(a+)+$", "((a+)+)+", "(a|a)*b", "(.*)*x", "(?:.*a){200}", "(?:.?){1000}", "[".repeat(8000)]) {
    const expression = compileExpression(source);
    if (expression.ok) expression.value.matchesWhole(arn);
  }
});

test("compileExpression() refuses empty groups that are repeated often before it compiles them", () => {
  for (const source of ["(){1000}".repeat(20), "((){1000}){1000}", "()".repeat(2_000), "(?:(?:){1000}){1000}"]) {
    const compiled = compileExpression(source);
    assert.match(compiled.ok ? "" : compiled.problem, /^is too large to compile/, source);
  }
});

test("compileExpression() refuses a group repeated behind flags or an empty quote before it compiles it", () => {
  for (const nothing of ["(?i)", "(?-s)", "(?)", String.raw`\Q\E`]) {
    const compiled = compileExpression(`(${"()".repeat(440)})${nothing}{1000}`);
    assert.match(compiled.ok ? "" : compiled.problem, /^is too large to compile/, nothing);
  }
});

test("compileCost() counts what takes the compiler as long as 500 instructions", () => {
  const costs: readonly (readonly [string, number])[] = [
    ["abc", 3],
    [String.raw`\w[[:alpha:]]`, 2],
    [String.raw`\pL`, 502],
    [String.raw`\P{Greek}[^\pN]`, 1009],
    [String.raw`\x41`, 503],
    [String.raw`\101`, 503],
    ["é", 501],
    ["[B-\u{1e900}]", 501],
  ];
  for (const [source, cost] of costs) assert.equal(compileCost(source), cost, source);
});

test("expressionSize() counts repetitions written out", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ["", 0],
    ["abc", 3],
    ["a{10}", 10],
    ["a{2,10}", 18],
    ["a{10,}", 12],
    ["a{0}", 1],
    ["(ab){10}", 40],
    ["(?:ab){10}", 20],
    ["(?i:ab){10}", 20],
    ["(?i)ab", 2],
    ["(ab)(?i){10}", 40],
    [String.raw`(ab)(?-s)\Q\E{10}`, 40],
    ["(ab)*(?i){10}", 60],
    ["(ab)+(?i){10}", 50],
    ["a{1000}(?i){1000}", 1_000_000],
    [`a${"(?i){1000}".repeat(200)}`, 1e9],
    ["((ab){10}){5}", 210],
    ["(){10}", 30],
    ["(?:){10}", 10],
    ["(?:|a|){30}", 150],
    ["[()]{10}", 10],
    ["[]()]{10}", 10],
    [String.raw`\({10}`, 10],
    [String.raw`\Q(((\E`, 7],
    ["(ab", 2],
    ["ab)", 2],
    ["a{,5}", 5],
  ];
  for (const [source, size] of sizes) assert.equal(expressionSize(source), size, source);
});
