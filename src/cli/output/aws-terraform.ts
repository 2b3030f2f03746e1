// Policies in AWS as local values of Terraform, in the layout of `terraform fmt`. They need no provider and no resource
// of their own, so they fit beside any module that manages the roles.
import type { CallerPolicy } from "../../operations/aws/policies.ts";
import type { TrustPolicy } from "../../operations/migrate/departure/trust.ts";
import { lengthNote } from "./aws.ts";
import { escapeControls } from "./text.ts";

/** Returns the policies of the principals that call STS, by ARN; that of podrole's server has the key "server". */
export function callerPoliciesTerraform(policies: readonly CallerPolicy[]): string {
  return localMap(
    "podrole_policies",
    [
      "Policies of the principals that call STS: of podrole's server, and by ARN of the roles that assume other roles.",
      'Use one as the policy of an aws_iam_role_policy: policy = local.podrole_policies["server"]',
    ],
    policies.map(({ caller = "server", document }) => ({ key: caller, document })),
  );
}

/** Returns the trust policies that roles need, by ARN. */
export function serverTrustTerraform(policies: readonly TrustPolicy[]): string {
  return localMap(
    "podrole_trust_policies",
    [
      "What roles have to trust, by ARN. The assume_role_policy of an aws_iam_role is its whole trust policy: combine it with the",
      "role's existing statements, for example by source_policy_documents of an aws_iam_policy_document.",
    ],
    policies.map((policy) => {
      const note = lengthNote(policy);
      return {
        key: policy.roleArn,
        document: policy.document,
        ...(note !== "" && { note: `${policy.roleArn}${note}` }),
      };
    }),
  );
}

interface LocalDocument {
  readonly key: string;
  readonly document: object;
  /** A comment above it. */
  readonly note?: string;
}

function localMap(name: string, comments: readonly string[], documents: readonly LocalDocument[]): string {
  const entries = documents.flatMap(({ key, document, note }) => [
    ...(note === undefined ? [] : [`    # ${escapeControls(note)}`]),
    `    ${hclText(key)} = jsonencode(${hclExpression(document, "    ")})`,
  ]);
  const map = entries.length === 0 ? [`  ${name} = {}`] : [`  ${name} = {`, ...entries, "  }"];
  return [...comments.map((comment) => `# ${comment}`), "locals {", ...map, "}", ""].join("\n");
}

/**
 * Returns a JSON value as an expression. `indent` precedes its last line.
 * (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#collection-values)
 */
export function hclExpression(value: unknown, indent = ""): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => `${inner}${hclExpression(item, inner)},\n`);
    return items.length === 0 ? "[]" : `[\n${items.join("")}${indent}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [hclKey(key), hclExpression(item, inner)] as const);
    const lines = alignedEntries(entries).map((line) => `${inner}${line}\n`);
    return lines.length === 0 ? "{}" : `{\n${lines.join("")}${indent}}`;
  }
  return typeof value === "string" ? hclText(value) : String(value);
}

/** `terraform fmt` aligns the values of neighbours that each take one line. */
function alignedEntries(entries: readonly (readonly [key: string, value: string])[]): readonly string[] {
  const isShort = (index: number) => entries[index] !== undefined && !entries[index][1].includes("\n");
  return entries.map(([key, value], index) => {
    if (!isShort(index)) return `${key} = ${value}`;
    let [from, to] = [index, index];
    while (isShort(from - 1)) from -= 1;
    while (isShort(to + 1)) to += 1;
    const width = Math.max(...entries.slice(from, to + 1).map(([neighbour]) => neighbour.length));
    return `${key.padEnd(width)} = ${value}`;
  });
}

/** Names of policy elements are identifiers; the names of condition keys need quotes. */
function hclKey(key: string): string {
  return /^[A-Z]\w*$/.test(key) ? key : hclText(key);
}

/**
 * Returns a quoted text that is taken as it is: `${` and `%{` would begin a template.
 * (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions)
 */
export function hclText(text: string): string {
  const escaped = text
    .replaceAll(/[\\"]/g, String.raw`\$&`)
    .replaceAll(/[$%](?=\{)/g, "$&$&")
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, hclEscape);
  return `"${escaped}"`;
}

function hclEscape(character: string): string {
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`;
}
