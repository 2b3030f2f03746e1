// Documents for Terraform: the exact text, and by terraform itself, where it is installed, that a document means the
// same as the JSON that podrole prints.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import {
  callerPoliciesTerraform,
  hclExpression,
  hclText,
  serverTrustTerraform,
} from "../../../src/cli/output/aws-terraform.ts";
import { trustPolicyOf } from "../../../src/operations/migrate/departure/trust.ts";
import { parseRoleArn } from "../../../src/policy/role.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";

const BASE = "arn:aws:iam::123456789012:role/";
const role = parseRoleArn(`${BASE}shop-orders`);
assert.ok(role);

const POLICIES = [
  {
    caller: undefined,
    document: {
      Version: "2012-10-17" as const,
      Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Resource: [`${BASE}hop`, `${BASE}\${*}/a`] }],
    },
  },
  { caller: `${BASE}hop`, document: { Version: "2012-10-17" as const, Statement: [] } },
];
const TRUST = [
  trustPolicyOf(role, [
    {
      Effect: "Allow",
      Principal: { AWS: `${BASE}podrole-server` },
      Action: ["sts:AssumeRole", "sts:TagSession"],
      Condition: { StringEquals: { "sts:ExternalId": "partner-1" } },
    },
  ]),
];

suite("callerPoliciesTerraform()", () => {
  test("returns one local value with a document for each principal", () => {
    const [, , ...lines] = callerPoliciesTerraform(POLICIES).split("\n");
    assert.equal(
      lines.join("\n"),
      `locals {
  podrole_policies = {
    "server" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Effect = "Allow"
          Action = "sts:AssumeRole"
          Resource = [
            "${BASE}hop",
            "${BASE}$\${*}/a",
          ]
        },
      ]
    })
    "${BASE}hop" = jsonencode({
      Version   = "2012-10-17"
      Statement = []
    })
  }
}
`,
    );
  });

  test("returns an empty map without roles", () => {
    assert.match(callerPoliciesTerraform([]), /^ {2}podrole_policies = \{\}$/m);
  });
});

suite("serverTrustTerraform()", () => {
  test("returns a document for each role, by ARN", () => {
    const text = serverTrustTerraform(TRUST);
    assert.ok(text.includes(`    "${BASE}shop-orders" = jsonencode({\n`), text);
    assert.ok(text.includes('              "sts:ExternalId" = "partner-1"\n'), text);
  });

  test("notes a document that is longer than IAM accepts", () => {
    const long = trustPolicyOf(role, [{ Sid: "a".repeat(3_000) }]);
    assert.match(
      serverTrustTerraform([long]),
      /^ {4}# arn:\S+shop-orders: \d{4} characters; the limit of IAM is 2048 /m,
    );
  });
});

suite("hclText()", () => {
  for (const [what, text, expected] of [
    ["quotes", 'a"b', String.raw`"a\"b"`],
    ["backslashes", String.raw`a\b`, String.raw`"a\\b"`],
    ["the beginning of a template", "${aws:username} %{if}", '"$${aws:username} %%{if}"'],
    ["a dollar sign alone", "$5 $", '"$5 $"'],
    ["line ends and other controls", "a\nb\u0000\u202e", String.raw`"a\U0000000ab\U00000000\U0000202e"`],
  ] as const) {
    test(`escapes ${what}`, () => assert.equal(hclText(text), expected));
  }
});

suite("hclExpression()", () => {
  test("returns booleans, numbers and empty collections as they are", () => {
    assert.equal(
      hclExpression({ A: true, Long: 1, B: [], C: {} }),
      "{\n  A    = true\n  Long = 1\n  B    = []\n  C    = {}\n}",
    );
  });

  test("returns what terraform reads as the same JSON, in the layout of terraform fmt", (context) => {
    const directory = createTemporaryDirectory(context);
    const terraform = (args: readonly string[], input = "") =>
      // The variable stops terraform from asking its maker for a newer version.
      spawnSync("terraform", args, {
        cwd: directory,
        encoding: "utf8",
        input,
        env: { ...process.env, CHECKPOINT_DISABLE: "1" },
      });
    if (terraform(["version"]).error !== undefined) return context.skip("terraform is not in PATH");
    const value = {
      A: ["${x}", "%{y}", '"', "\\", "\n\u0001", "$", "%", "$$", "é"],
      Long: { "sts:ExternalId": "a", b: [{ C: true }, 1], D: {} },
    };
    const probe = `locals {\n  probe = jsonencode(${hclExpression(value, "  ")})\n}\n`;
    writeFileSync(
      join(directory, "main.tf"),
      [probe, callerPoliciesTerraform(POLICIES), serverTrustTerraform(TRUST)].join("\n"),
    );
    const format = terraform(["fmt", "-diff", "-check"]);
    assert.deepEqual([format.status, format.stdout], [0, ""], format.stderr);
    const evaluated = (expression: string): unknown => {
      const { status, stdout, stderr } = terraform(["console"], `base64encode(${expression})\n`);
      assert.equal(status, 0, stderr);
      return JSON.parse(Buffer.from(JSON.parse(stdout) as string, "base64").toString("utf8"));
    };
    assert.deepEqual(evaluated("local.probe"), value);
    assert.deepEqual(evaluated('local.podrole_policies["server"]'), POLICIES[0]?.document);
    assert.deepEqual(evaluated(`local.podrole_trust_policies["${BASE}shop-orders"]`), TRUST[0]?.document);
  });
});
