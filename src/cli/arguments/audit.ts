// The subcommands and flags of podrole audit, with their help.
import { type Command, Option } from "commander";
import { declareConnection, declarePodroleNamespace, outputOption } from "./flags.ts";

const ABOUT = `
Reads the audit records that the server and the webhook write to standard
output (docs/audit.md). Skips other lines, and reports how many there were.
Files may have any size and may be compressed with gzip.

Examples:
  kubectl -n podrole logs -l app.kubernetes.io/part-of=podrole --tail=-1 |
    podrole audit who --role shop-orders --since 24h
  podrole audit pod shop/orders-7d9f --from-cluster
  podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log podrole.log.1.gz \\
    --cloudtrail trail/*.json.gz
  podrole audit refusals --since 1h -o json < podrole.log

Exit codes: 0 answered (also if nothing was found), 1 a log could not be read
to its end, 2 invalid command line, or a log cannot be opened.`;

/** Adds the subcommands to `audit` and returns them; the caller sets their actions. */
export function declareAudit(audit: Command): readonly Command[] {
  audit
    .description("query the audit trail: issued credentials, refusals, and AWS calls of pods")
    .addHelpText("after", ABOUT);
  const who = audit
    .command("who")
    .description("list the containers that received a role")
    .requiredOption("--role <role>", "name, path and name, or ARN of the role")
    .addHelpText("after", "\nExample:\n  podrole audit who --role shop-orders --since 24h -f podrole.log\n");
  const pod = audit
    .command("pod")
    .description("show in chronological order what happened to a pod, from its creation to its AWS calls")
    .argument("<namespace/name>", "the pod")
    .addHelpText(
      "after",
      "\nExample:\n  podrole audit pod shop/orders -f podrole.log \\\n    --api-audit-log audit.log --cloudtrail trail.json.gz\n",
    );
  const key = audit
    .command("key")
    .description("find the pod that received an access key ID, for example one from CloudTrail")
    .argument("<access-key-id>", "userIdentity.accessKeyId of a CloudTrail record: ASIA…")
    .addHelpText("after", "\nExample:\n  podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log\n");
  const refusals = audit
    .command("refusals")
    .description("list the refused requests of pods, with the reasons")
    .option(
      "--reason <code>",
      "only refusals with this error code of docs/errors.md, such as ROLE_FORBIDDEN or STS_DENIED",
    )
    .option("--role <role>", "only refusals of this role: its name, its path and name, or its ARN")
    .addHelpText("after", "\nExample:\n  podrole audit refusals --reason ROLE_FORBIDDEN --since 1h -f podrole.log\n");
  for (const command of [who, key, refusals]) {
    command.option("-n, --namespace <namespace>", "only pods of this namespace (default: all namespaces)");
  }
  for (const command of [who, pod, key, refusals]) declareLogs(command);
  for (const command of [who, pod, key, refusals]) declareApiAuditLog(command);
  for (const command of [who, pod, key]) declareCloudTrail(command);
  return [who, pod, key, refusals];
}

/** Repeated values arrive joined by newlines, which file names do not contain. */
const several = (value: string, previous: string | undefined) =>
  previous === undefined ? value : `${previous}\n${value}`;

const LOGS = "podrole's logs:";
const JOINS = "Other logs:";
const CLUSTER = "Cluster:";

function declareLogs(command: Command): void {
  command
    .addOption(
      new Option("-f, --filename <file...>", 'log files; "-" is standard input (default: -)')
        .argParser(several)
        .helpGroup(LOGS),
    )
    .addOption(
      new Option(
        "--since <time>",
        'only records from this time on: an RFC 3339 time ("2026-11-26T08:00:00Z") or a duration before now ("2h", "7d")',
      ).helpGroup(LOGS),
    )
    .addOption(new Option("--until <time>", "only records up to this time, in the same form").helpGroup(LOGS))
    .addOption(outputOption(["table", "json"]))
    .addOption(
      new Option(
        "--from-cluster",
        "read the logs of podrole's pods through the Kubernetes API instead of files; the other flags of this group require this flag",
      ).helpGroup(CLUSTER),
    );
  declareConnection(declarePodroleNamespace(command));
}

function declareApiAuditLog(command: Command): void {
  command.addOption(
    new Option(
      "--api-audit-log <file...>",
      "audit log of the API server; adds which user created the pod, from which address, and which user requested the pod's token, and confirms unproven admission records",
    )
      .argParser(several)
      .helpGroup(JOINS),
  );
}

function declareCloudTrail(command: Command): void {
  command.addOption(
    new Option(
      "--cloudtrail <file...>",
      "files with CloudTrail records; adds the AWS calls that were made with the credentials",
    )
      .argParser(several)
      .helpGroup(JOINS),
  );
}
