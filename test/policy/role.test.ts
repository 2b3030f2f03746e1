import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBaseArn, parseRoleArn, resolveRole } from "../../src/policy/role.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { BASE_ARN, codeOf } from "./facts.ts";

const RESOLVED: readonly (readonly [text: string, arn: string, path: string, name: string])[] = [
  ["reader", `${BASE_ARN}reader`, "/", "reader"],
  ["/reader", `${BASE_ARN}reader`, "/", "reader"],
  ["team/reader", `${BASE_ARN}team/reader`, "/team/", "reader"],
  ["/team/sub/reader", `${BASE_ARN}team/sub/reader`, "/team/sub/", "reader"],
  ["a+b=c,d.e@f_g-h", `${BASE_ARN}a+b=c,d.e@f_g-h`, "/", "a+b=c,d.e@f_g-h"],
  ["n".repeat(64), `${BASE_ARN}${"n".repeat(64)}`, "/", "n".repeat(64)],
  [`${"p".repeat(510)}/x`, `${BASE_ARN}${"p".repeat(510)}/x`, `/${"p".repeat(510)}/`, "x"],
  ["arn:aws:iam::999999999999:role/x", "arn:aws:iam::999999999999:role/x", "/", "x"],
  ["arn:aws:iam::999999999999:role/p:q/x", "arn:aws:iam::999999999999:role/p:q/x", "/p:q/", "x"],
  ["arn:aws-cn:iam::123456789012:role/x", "arn:aws-cn:iam::123456789012:role/x", "/", "x"],
  ["arn:aws-us-gov:iam::123456789012:role/a/x", "arn:aws-us-gov:iam::123456789012:role/a/x", "/a/", "x"],
  ["arn:aws-iso:iam::123456789012:role/x", "arn:aws-iso:iam::123456789012:role/x", "/", "x"],
  ["arn:aws-iso-b:iam::123456789012:role/x", "arn:aws-iso-b:iam::123456789012:role/x", "/", "x"],
  ["arn:aws-eusc:iam::123456789012:role/x", "arn:aws-eusc:iam::123456789012:role/x", "/", "x"],
];

test("resolveRole() returns the ARN for every accepted form", () => {
  for (const [text, arn, path, name] of RESOLVED) {
    const role = resolveRole(text, BASE_ARN);
    assert.ok(!isRefusal(role), text);
    assert.deepEqual({ arn: role.arn, path: role.path, name: role.name }, { arn, path, name });
    assert.equal(role.accountId, arn.split(":")[4]);
    assert.equal(role.partition, arn.split(":")[1]);
  }
});

const INVALID: readonly (readonly [why: string, text: string, state: RegExp])[] = [
  ["empty", "", /it is empty/],
  ["a slash alone", "/", /name/],
  ["two leading slashes", "//reader", /role ARN/],
  ["a trailing slash", "team/", /name/],
  ["an ARN of too few parts", "arn:foo", /not the ARN of an IAM role/],
  ["an ARN in capitals", "ARN:aws:iam::123456789012:role/x", /not the ARN of an IAM role/],
  ["a user", "arn:aws:iam::123456789012:user/x", /not the ARN of an IAM role/],
  ["an assumed role", "arn:aws:sts::123456789012:assumed-role/x/y", /not the ARN of an IAM role/],
  ["an unknown partition", "arn:aws-moon:iam::123456789012:role/x", /not the ARN of an IAM role/],
  ["an account of 11 digits", "arn:aws:iam::12345678901:role/x", /not the ARN of an IAM role/],
  ["an account of 13 digits", "arn:aws:iam::1234567890123:role/x", /not the ARN of an IAM role/],
  ["a region", "arn:aws:iam:eu-west-1:123456789012:role/x", /not the ARN of an IAM role/],
  ["an ARN without a name", "arn:aws:iam::123456789012:role/", /not the ARN of an IAM role/],
  ["a wild card", "team-*", /A-Z/],
  ["a colon in the name", "team:reader", /A-Z/],
  ["a space", "my role", /white space/],
  ["white space around it", " reader", /white space/],
  ["a line end", "reader\n", /white space/],
  ["a NUL", "rea\u0000der", /white space/],
  ["letters beyond ASCII", "rôle", /characters that IAM does not accept/],
  ["a name of 65 characters", "n".repeat(65), /65 characters/],
  ["a path of 513 characters", `${"p".repeat(511)}/x`, /512/],
  ["a value of 10 000 characters", "x".repeat(10_000), /10000 characters/],
  ["an ARN of 10 000 characters", `arn:aws:iam::123456789012:role/${"x".repeat(10_000)}`, /not the ARN/],
];

for (const [why, text, state] of INVALID) {
  test(`resolveRole() refuses ${why} with ROLE_INVALID`, () => {
    const role = resolveRole(text, BASE_ARN, "iam.amazonaws.com/role");
    assert.ok(isRefusal(role));
    assert.equal(role.code, "ROLE_INVALID");
    assert.match(role.message, /^Cannot resolve iam\.amazonaws\.com\/role "/);
    assert.match(role.message, state);
    assert.match(role.message, /expected "name", "path\/name", "\/path\/name" or "arn:aws:iam::/);
    assert.ok(role.message.length < 400 && !/\p{C}/u.test(role.message), "short, and fit for a terminal");
  });
}

test("resolveRole() accepts only full ARNs without a base ARN, and names the missing setting for others", () => {
  assert.equal(codeOf(resolveRole("arn:aws:iam::123456789012:role/x", undefined)), undefined);
  const refused = resolveRole("reader", undefined);
  assert.ok(isRefusal(refused));
  assert.match(
    refused.message,
    /no base ARN .*; expected a full role ARN, or --role-base-arn \(PODROLE_ROLE_BASE_ARN\)$/,
  );
  // Without a base ARN, no input must become one.
  assert.equal(codeOf(resolveRole("/arn:aws:iam::123456789012:role/x", undefined)), "ROLE_INVALID");
});

test("parseRoleArn() accepts only a whole role ARN", () => {
  assert.equal(parseRoleArn(`${BASE_ARN}x`)?.name, "x");
  for (const text of ["", "x", `${BASE_ARN}x\n`, ` ${BASE_ARN}x`, `${BASE_ARN}/x`, BASE_ARN])
    assert.equal(parseRoleArn(text), undefined);
});

test("parseBaseArn() adds the slash and allows a path", () => {
  assert.equal(parseBaseArn("arn:aws:iam::123456789012:role"), BASE_ARN);
  assert.equal(parseBaseArn(BASE_ARN), BASE_ARN);
  assert.equal(parseBaseArn(`${BASE_ARN}team`), `${BASE_ARN}team/`);
  assert.equal(parseBaseArn("arn:aws-cn:iam::123456789012:role/a/b/"), "arn:aws-cn:iam::123456789012:role/a/b/");
});

test("parseBaseArn() refuses texts to which short names must not be appended", () => {
  const bad = [
    "",
    "/",
    "role/",
    "arn:aws:iam::1:role/",
    "arn:aws:iam::123456789012:user/",
    `${BASE_ARN}a b/`,
    `${BASE_ARN}/`,
  ];
  for (const text of bad) assert.equal(parseBaseArn(text), undefined, text);
  // This took exponential time in a nested repetition.
  assert.equal(parseBaseArn(`${BASE_ARN}${"a".repeat(500)}\u0001`), undefined);
});
