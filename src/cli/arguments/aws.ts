// Arguments of podrole aws.
import type { Command } from "commander";
import { parseRoleArn } from "../../policy/role.ts";
import type { Parser } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  createFlagReader,
  declareInstallation,
  type InstallationArguments,
  outputOption,
  readInstallation,
} from "./flags.ts";
import { addHelp, clusterExitCodes } from "./help.ts";
import { WRITTEN_BASE_ARN } from "./migrate.ts";

/** Typed options of podrole aws. */
export interface AwsArguments extends InstallationArguments {
  readonly roleBaseArn: string | undefined;
  /** ARN of the server's role or user; undefined for podrole aws policy, which does not need it. */
  readonly principal: string | undefined;
  /** Output of `aws iam get-account-authorization-details`; "-" is standard input. */
  readonly filename: string | undefined;
  readonly format: (typeof AWS_FORMATS)[number];
}

const AWS_FORMATS = ["text", "json", "terraform"] as const;

const principalParser: Parser<string> = {
  expects: 'the ARN of one role or user, without wildcards, such as "arn:aws:iam::123456789012:role/podrole-server"',
  parse: (text) => (isPrincipalArn(text) && !/[*?]/.test(text) ? text : undefined),
};

/** IAM accepts the same paths and names for users as for roles. */
function isPrincipalArn(text: string): boolean {
  return parseRoleArn(text.replace(/^(arn:[a-z-]+:iam::\d{12}:)user\//, "$1role/")) !== undefined;
}

const AWS_EXIT_CODES = clusterExitCodes(
  "done",
  "podrole refuses a role that a pod names, and the policies do not contain it; or with -f, a role does not trust the principal",
);
const AWS_DOCS = "docs/aws.md describes what the server needs from AWS";

/** Adds the kinds of policies to `aws` and returns them; the caller sets their actions. */
export function declareAws(aws: Command): readonly Command[] {
  aws.description("Print the policies in AWS that the pods of the cluster need");
  addHelp(aws, {
    notes: ["The command calls no AWS service and changes nothing."],
    examples: [
      ["What may the server's principal do?", "podrole aws policy"],
      ["Which roles must trust it?", `podrole aws trust --principal ${EXAMPLE_PRINCIPAL}`],
      [
        "Which of them do not trust it yet?",
        `aws iam get-account-authorization-details --filter Role |\n  podrole aws trust -f - --principal ${EXAMPLE_PRINCIPAL}`,
      ],
    ],
    exitCodes: AWS_EXIT_CODES,
    docs: AWS_DOCS,
  });
  const policy = aws.command("policy").description("Print the policy of the server's principal, with the roles in use");
  declareShared(policy, "podrole aws policy");
  const trust = aws.command("trust").description("Print the trust policy of each role in use, as commands");
  trust.requiredOption("--principal <arn>", "ARN of the role or user with which podrole's server calls STS");
  trust.option(
    "-f, --filename <file>",
    'Print only the roles that do not trust the principal yet, according to this output of "aws iam get-account-authorization-details"; "-" is standard input (default: all roles)',
  );
  declareShared(trust, `podrole aws trust --principal ${EXAMPLE_PRINCIPAL}`);
  return [policy, trust];
}

const EXAMPLE_PRINCIPAL = "\\\n  arn:aws:iam::123456789012:role/podrole-server";

function declareShared(command: Command, example: string): void {
  command.option(
    "--role-base-arn <arn>",
    "Prefix of role names that are not full ARNs (default: the server's --role-base-arn)",
  );
  declareInstallation(command.addOption(outputOption(AWS_FORMATS)));
  const examples = [
    ["As JSON, for a script", `${example} -o json`],
    ["As local values of Terraform", `${example} -o terraform`],
  ] as const;
  addHelp(command, { examples, exitCodes: AWS_EXIT_CODES, docs: AWS_DOCS });
}

/** The flags as typed options, or every problem. */
export function readAws(flags: Flags): Arguments<AwsArguments> {
  const reader = createFlagReader(flags);
  return reader.finish({
    ...readInstallation(flags),
    roleBaseArn: reader.read("roleBaseArn", WRITTEN_BASE_ARN),
    principal: reader.read("principal", principalParser),
    filename: flags["filename"],
    format: AWS_FORMATS.find((format) => format === flags["output"]) ?? "text",
  });
}
