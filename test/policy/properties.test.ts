// Properties that hold for every input, not for chosen ones: totality, whole matches, legal names, no silent widening.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { assumeRoleInput, decideRoles } from "../../src/policy/decide.ts";
import { compileExpression } from "../../src/policy/expression.ts";
import { expressionSize } from "../../src/policy/expression-size.ts";
import { matchesGlob } from "../../src/policy/glob.ts";
import { judgeByPermitted } from "../../src/policy/permitted.ts";
import { parseRoleArn, resolveRole } from "../../src/policy/role.ts";
import { kiamSessionName } from "../../src/policy/session-name.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { EXPRESSION_PIECES } from "../fuzz/generate.ts";
import { fc } from "../property.ts";
import {
  ALLOWED_ROLES_ANNOTATION,
  BASE_ARN,
  inherited,
  PERMITTED_ANNOTATION,
  parsedRole,
  podFactsWith,
  policySettingsWith,
  ROLE_ANNOTATION,
  STS_NAME,
} from "./facts.ts";

/** Any text, often with characters that are special to parsers. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom("arn", "aws", ":", "/", "role", "iam", "123456789012", "*", "x", "\n", "\u0000", "é"),
  }),
  fc.constantFrom("", "/", "arn:", "arn:::::", "\ud800", "x".repeat(10_000), "__proto__"),
);
/** Pieces of valid and invalid expressions, too short to be costly. */
const expression = fc.string({ unit: fc.constantFrom(...EXPRESSION_PIECES, "{2}", "\\Q"), maxLength: 12 });
const name = fc.stringMatching(/^[\w+=,.@-]{1,64}$/);

test("resolveRole() never throws, and returns a parseable ARN or ROLE_INVALID", () => {
  fc.assert(
    fc.property(hostile, fc.option(fc.constantFrom(BASE_ARN, `${BASE_ARN}p/`), { nil: undefined }), (text, base) => {
      const result = resolveRole(text, base, ROLE_ANNOTATION);
      if (isRefusal(result)) {
        assert.equal(result.code, "ROLE_INVALID");
        assert.ok(result.message.length < 1000 && !/\p{C}/u.test(result.message));
      } else {
        assert.deepEqual(parseRoleArn(result.arn), result);
      }
    }),
  );
});

test("resolveRole() resolves a name, a slash and a name, and the full ARN to the same role", () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 3 }), name, (path, last) => {
      const text = [...path, last].join("/");
      fc.pre(!/^arn:/i.test(text));
      const resolved = resolveRole(text, BASE_ARN);
      assert.deepEqual(resolveRole(`/${text}`, BASE_ARN), resolved);
      assert.deepEqual(resolveRole(`${BASE_ARN}${text}`, undefined), resolved);
    }),
  );
});

test("judgeByPermitted() anchors every branch of an alternation", () => {
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), name, name, (branches, before, after) => {
      const quotedBranches = branches.map((branch) => String.raw`\Q${branch}\E`).join("|");
      const permits = (text: string) => judgeByPermitted("ns", quotedBranches, [text], true)(text).permitted;
      for (const branch of branches) assert.equal(permits(branch), true);
      for (const text of [`${before}${branches[0]}`, `${branches.at(-1)}${after}`]) {
        assert.equal(permits(text), branches.includes(text));
      }
    }),
  );
});

test("judgeByPermitted() matches whole exactly what an anchored group of the same expression matches", () => {
  fc.assert(
    fc.property(expression, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 6 }), (source, text) => {
      // Where RE2 and JavaScript have the same syntax, JavaScript is an independent check. A bracket right after that
      // of a class is a member of it in RE2, and closes it in JavaScript.
      fc.pre(!/\\|\(\?i|\^\*|\$\*|[*+?}]{2}|\[\^?\]/.test(source) && source !== "");
      let peer: RegExp;
      try {
        peer = new RegExp(`^(?:${source})$`, "u");
        void new RegExp(source, "u");
      } catch {
        return;
      }
      const compiled = compileExpression(source);
      if (!compiled.ok) return;
      assert.equal(compiled.value.matchesWhole(text), peer.test(text), `${source} on ${text}`);
    }),
    { numRuns: 500 },
  );
});

test("compileExpression() reads a bracket right after that of a class as a member of it, as RE2 does", () => {
  for (const [source, text, expected] of [
    ["[][ab]", "a", true],
    ["[][ab]", "]", true],
    ["[][ab]", "c", false],
    ["[^]a]", "]", false],
    ["[^]a]", "b", true],
  ] as const) {
    const compiled = compileExpression(source);
    assert.ok(compiled.ok, source);
    assert.equal(compiled.value.matchesWhole(text), expected, `${source} on ${text}`);
  }
});

test("judgeByPermitted() never throws, and permits nothing for an invalid expression", () => {
  fc.assert(
    fc.property(fc.oneof(expression, hostile), fc.boolean(), (source, strict) => {
      const verdict = judgeByPermitted("ns", source, [`${BASE_ARN}a`], strict)(`${BASE_ARN}a`);
      if (verdict.permitted) assert.ok(compileExpression(source).ok);
      else assert.ok(!/\p{C}/u.test(verdict.state) && verdict.state.length < 500);
      // A whole match is also a match somewhere, never the other way only.
      if (strict && verdict.permitted)
        assert.ok(judgeByPermitted("ns", source, [`${BASE_ARN}a`], false)(`${BASE_ARN}a`).permitted);
    }),
    { numRuns: 500 },
  );
});

/** What RE2 pushes nothing for: a repetition after it repeats what stands before it. */
const NOTHING_PUSHED = ["(?i)", "(?-s)", "(?)", "(?i-s)", "(?U)", "\\Q\\E"];
const REPETITIONS = ["{7}", "{0,7}", "{3,}", "{0,}", "{0}", "*", "+", "?", "*?"];
/** Each kind of token, alone and with text before it. */
const REPEATED = [
  ...["a", "abc", ".", "^", "$", "\\A", "\\z", "\\b", "\\B", "\\.", "\\d", "\\pN", "\\x41", "\\x{41}", "\\101"],
  ...["[ab]", "[^a]", "[]a]", "[[:word:]]", "[\\]]", "\\Qabc\\E", "\\Q(\\E", "é", "{", "{,5}", "]", "}"],
  ...["()", "(?:)", "(?i:)", "(abcdefghij)", "(?:abcdefghij)", "(?i:abcdefghij)", "(?P<n>abcdefghij)"],
  ...["(?<n>abcdefghij)", "((abc)(def))", "(?:abc|defg)", "(|abc|)", "abc|defg", "abc|", "|", "(", "(?:abc", ""],
];

/** What costs instructions without text, and what multiplies them. */
const structure = fc.string({
  unit: fc.constantFrom(
    ...["(", ")", "()", "(?:", "(?i:", "|", "^", "a", "\\b", "(abcdefghij)", "\\Qab\\E"],
    ...NOTHING_PUSHED,
    ...REPETITIONS,
  ),
  maxLength: 12,
});
/** What may be repeated, with repetitions of it that have something between them. */
const repeated = fc
  .tuple(
    fc.constantFrom(...REPEATED),
    fc.array(
      fc.tuple(fc.array(fc.constantFrom(...NOTHING_PUSHED), { maxLength: 3 }), fc.constantFrom(...REPETITIONS)),
      { maxLength: 3 },
    ),
  )
  .map(([what, repetitions]) => what + repetitions.map(([between, often]) => between.join("") + often).join(""));

/** The instructions of the program, however many they are; undefined for what is no expression. */
function programSize(source: string): number | undefined {
  try {
    return RE2JS.compile(source).programSize();
  } catch (error) {
    assert.ok(error instanceof RE2JSSyntaxException, source);
    return undefined;
  }
}

/** Returns whether the text is an expression. A program has two more instructions than it, and it has at least one. */
function assertNotUndercounted(source: string): boolean {
  const size = programSize(source);
  const written = expressionSize(source);
  assert.ok((size ?? 0) <= Math.max(written, 1) + 2, `${source}: ${size} of ${written}`);
  return size !== undefined;
}

test("expressionSize() never throws and never undercounts a program", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        expression,
        structure,
        repeated,
        fc.array(repeated, { maxLength: 3 }).map((parts) => parts.join("")),
      ),
      (source) => void assertNotUndercounted(source),
    ),
    { numRuns: 3_000 },
  );
});

test("expressionSize() never undercounts a repetition, whatever stands before it", () => {
  let expressions = 0;
  for (const what of REPEATED) {
    for (const between of ["", ...NOTHING_PUSHED]) {
      for (const often of REPETITIONS) {
        const once = `${what}${between}${often}`;
        for (const source of [once, `(?:x${once})`, `${once}(?i){7}`, `${once}\\Q\\E{7}`]) {
          if (assertNotUndercounted(source)) expressions += 1;
        }
      }
    }
  }
  assert.ok(expressions > 5_000, `${expressions}`);
});

test("matchesGlob() agrees with the expression that a glob stands for", () => {
  const glob = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(glob, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 }), (pattern, text) => {
      assert.equal(matchesGlob(pattern, text), new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(text));
    }),
    { numRuns: 500 },
  );
});

test("decideRoles() never throws and never permits what no annotation of the namespace allows", () => {
  const values = fc.oneof(hostile, expression, fc.json());
  const map = fc.dictionary(
    fc.constantFrom(
      ROLE_ANNOTATION,
      `${ROLE_ANNOTATION}.app`,
      `${ROLE_ANNOTATION}.web`,
      "podrole.io/containers",
      "iam.amazonaws.com/default-role",
      "__proto__",
    ),
    values,
  );
  fc.assert(
    fc.property(
      map,
      map,
      map,
      fc.constantFrom("glob", "regexp"),
      fc.option(values, { nil: undefined }),
      (own, space, account, format, fallback) => {
        const facts = podFactsWith(own, { containers: ["app", "init"] });
        const given = policySettingsWith({ allowedRolesFormat: format, defaultRole: fallback });
        const { roles, refusal } = decideRoles(facts, inherited(space, account), given);
        assert.ok(roles.every(({ outcome }) => outcome === "refused"));
        assert.ok(refusal === undefined || refusal.code === "CONTAINER_UNKNOWN");
      },
    ),
  );
});

test("decideRoles() permits with both annotations only what it permits with each", () => {
  const patterns = fc.array(fc.constantFrom("a", "b", "*", "a*", ".*", "(", "a|b", "arn:*", "^arn:.*$"), {
    maxLength: 3,
  });
  const permits = (text: string, namespace: Record<string, string>, format: "glob" | "regexp") =>
    decideRoles(
      podFactsWith({ [ROLE_ANNOTATION]: text }),
      inherited(namespace),
      policySettingsWith({ allowedRolesFormat: format }),
    ).roles[0]?.outcome === "allowed";
  fc.assert(
    fc.property(
      fc.constantFrom("a", "b", "ab", "arn:aws:iam::999999999999:role/a"),
      fc.oneof(expression, fc.constantFrom(".*", ".*/a", ".*/a|.*/b", "arn:aws:iam::9.*")),
      patterns,
      fc.constantFrom("glob", "regexp"),
      (text, permitted, list, format) => {
        const allowed = JSON.stringify(list);
        const both = permits(text, { [PERMITTED_ANNOTATION]: permitted, [ALLOWED_ROLES_ANNOTATION]: allowed }, format);
        const each =
          permits(text, { [PERMITTED_ANNOTATION]: permitted }, format) &&
          permits(text, { [ALLOWED_ROLES_ANNOTATION]: allowed }, format);
        assert.equal(both, each);
      },
    ),
  );
});

test("assumeRoleInput() returns only session names and source identities that STS accepts", () => {
  const template = fc.string({
    unit: fc.constantFrom("{namespace}", "{pod}", "{serviceAccount}", "{uid}", "{cluster}", "{x}", "-", ".", "é"),
    maxLength: 6,
  });
  const facts = fc.record({
    namespace: hostile,
    name: fc.option(hostile, { nil: undefined }),
    uid: fc.option(hostile, { nil: undefined }),
    serviceAccount: hostile,
  });
  const rule = fc.oneof(
    template.map((text) => ({ kind: "template" as const, template: text })),
    hostile.map((session) => ({ kind: "kiam" as const, session })),
  );
  fc.assert(
    fc.property(
      facts,
      rule,
      hostile,
      fc.option(hostile, { nil: undefined }),
      (given, sessionName, clusterName, annotated) => {
        const annotations = annotated === undefined ? {} : { "iam.amazonaws.com/session-name": annotated };
        const input = assumeRoleInput(
          podFactsWith(annotations, given),
          parsedRole(`${BASE_ARN}x`),
          policySettingsWith({ sessionName, clusterName, sourceIdentity: true }),
        );
        if (isRefusal(input)) return assert.equal(input.code, "ANNOTATION_INVALID");
        assert.match(input.sessionName, STS_NAME);
        assert.match(input.sourceIdentity ?? "", STS_NAME);
      },
    ),
    { numRuns: 500 },
  );
});

test("assumeRoleInput() names different pods differently", () => {
  const dns = fc.stringMatching(/^[a-z]([a-z0-9-]{0,60}[a-z0-9])?$/);
  const long = fc
    .tuple(dns, fc.stringMatching(/^[a-z]{1,4}$/))
    .map(([head, tail]) => `${head}-${"x".repeat(60)}-${tail}`);
  const who = fc.record({ namespace: dns, name: fc.oneof(dns, long) });
  const nameOf = (given: { namespace: string; name: string }) => {
    const input = assumeRoleInput(podFactsWith({}, given), parsedRole(`${BASE_ARN}x`), policySettingsWith());
    return isRefusal(input) ? input.code : input.sessionName;
  };
  fc.assert(
    fc.property(who, who, (one, other) => {
      const isSame = one.namespace === other.namespace && one.name === other.name;
      assert.equal(nameOf(one) === nameOf(other), isSame);
    }),
  );
});

test("kiamSessionName() is a name of at most 64 for any text", () => {
  fc.assert(fc.property(hostile, (text) => assert.match(kiamSessionName(text), STS_NAME)));
});

test("kiamSessionName() truncates as Go does", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "é", "€", "💶"), maxLength: 40 }), (text) => {
      const bytes = Buffer.byteLength(`kiam-${text}`);
      const length = kiamSessionName(text).length;
      assert.ok(bytes > 64 ? length <= 63 : length === Array.from(`kiam-${text}`).length);
    }),
  );
});
