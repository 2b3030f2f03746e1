// The subcommands and flags of podrole audit, with their help.
import { type Command, Option } from "commander";
import {
  appendFile,
  CLUSTER_HEADING,
  declareInstallation,
  filesOption,
  namespaceOption,
  outputOption,
} from "./flags.ts";
import { addHelp, type HelpParts } from "./help.ts";

const AUDIT_DOCS = "docs/audit.md describes the records, and the questions that they answer";
const AUDIT_EXIT_CODES: HelpParts["exitCodes"] = [
  [0, "answered, even if nothing was found"],
  [1, "a log could not be read to its end"],
  [2, "the command line cannot be used, or a log cannot be opened"],
  [130, "interrupted"],
];

/** Adds the subcommands to `audit` and returns them; the caller sets their actions. */
export function declareAudit(audit: Command): readonly Command[] {
  describeAudit(audit);
  const who = declareQuestion(audit, "who", "List the containers that received a role", [
    ["In the logs of the running pods", "podrole audit who --role shop-orders --since 24h --from-cluster"],
    ["In a file of collected logs", "podrole audit who --role shop-orders -f podrole.log"],
  ]).requiredOption("--role <role>", "Name, path and name, or ARN of the role");
  const pod = declareQuestion(audit, "pod", "Show what happened to a pod, from its creation to its AWS calls", [
    [
      "With the API server's audit log and CloudTrail",
      "podrole audit pod shop/orders -f podrole.log \\\n  --api-audit-log audit.log --cloudtrail trail.json.gz",
    ],
  ]).argument("<namespace/name>", "The pod");
  const key = declareQuestion(audit, "key", "Find the pod that received an access key ID", [
    ["An access key ID from CloudTrail", "podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log"],
  ]).argument("<access-key-id>", "userIdentity.accessKeyId of a CloudTrail record: ASIA…");
  const refusals = declareQuestion(audit, "refusals", "List the refused requests of pods, with the reasons", [
    [
      "Roles that namespaces did not permit",
      "podrole audit refusals --reason ROLE_FORBIDDEN --since 1h -f podrole.log",
    ],
  ])
    .option(
      "--reason <code>",
      "Only refusals with this error code of docs/errors.md, such as ROLE_FORBIDDEN or STS_DENIED (default: all)",
    )
    .option(
      "--role <role>",
      "Only refused requests for this role: its name, its path and name, or its ARN (default: all)",
    );
  for (const command of [who, key, refusals]) command.addOption(namespaceOption());
  for (const command of [who, pod, key, refusals]) {
    command.addOption(outputOption(["table", "json"]));
    declareLogs(command);
    declareApiAuditLog(command);
    if (command !== refusals) declareCloudTrail(command);
    declareCluster(command);
  }
  return [who, pod, key, refusals];
}

function describeAudit(audit: Command): void {
  audit.description("Query the audit trail: issued credentials, refusals, and AWS calls of pods");
  addHelp(audit, {
    notes: [
      "Reads the audit records that the server and the webhook write to standard output. Skips other lines, and reports how many there were. Files may have any size and may be compressed with gzip.",
    ],
    examples: [
      ["Who got a role in the last day?", "podrole audit who --role shop-orders --since 24h --from-cluster"],
      ["What happened to a pod?", "podrole audit pod shop/orders-7d9f --from-cluster"],
      [
        "Which pod made the call that CloudTrail shows?",
        "podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log podrole.log.1.gz \\\n  --cloudtrail trail/*.json.gz",
      ],
      ["What was refused in the last hour?", "podrole audit refusals --since 1h -o json < podrole.log"],
    ],
    exitCodes: AUDIT_EXIT_CODES,
    docs: AUDIT_DOCS,
  });
}

function declareQuestion(audit: Command, name: string, description: string, examples: HelpParts["examples"]): Command {
  const command = audit.command(name).description(description);
  addHelp(command, { examples, exitCodes: AUDIT_EXIT_CODES, docs: AUDIT_DOCS });
  return command;
}

const LOGS_HEADING = "podrole's logs:";
const OTHER_LOGS_HEADING = "Other logs:";

function declareLogs(command: Command): void {
  command
    .addOption(filesOption('Log files; "-" is standard input (default: -)').helpGroup(LOGS_HEADING))
    .addOption(
      new Option(
        "--since <time>",
        'Only records from this time on: an RFC 3339 time ("2026-11-26T08:00:00Z") or a duration before now ("2h", "7d") (default: all)',
      ).helpGroup(LOGS_HEADING),
    )
    .addOption(
      new Option("--until <time>", "Only records up to this time, in the same form (default: now)").helpGroup(
        LOGS_HEADING,
      ),
    );
}

function declareCluster(command: Command): void {
  command.addOption(
    new Option(
      "--from-cluster",
      "Read the logs of podrole's pods through the Kubernetes API instead of files; the other flags of this group require this flag",
    ).helpGroup(CLUSTER_HEADING),
  );
  declareInstallation(command);
}

function declareApiAuditLog(command: Command): void {
  command.addOption(
    new Option(
      "--api-audit-log <file...>",
      "Audit log of the API server; adds which user created the pod, from which address, and which user requested the pod's token, and confirms unproven admission records (default: none)",
    )
      .argParser(appendFile)
      .helpGroup(OTHER_LOGS_HEADING),
  );
}

function declareCloudTrail(command: Command): void {
  command.addOption(
    new Option(
      "--cloudtrail <file...>",
      "Files with CloudTrail records; adds the AWS calls that were made with the credentials (default: none)",
    )
      .argParser(appendFile)
      .helpGroup(OTHER_LOGS_HEADING),
  );
}
