// The subcommands and flags of podrole audit, with their help.
import { type Command, Option } from "commander";
import { declareConnection, declarePodroleNamespace, outputOption } from "./flags.ts";

const ABOUT = `
Reads the audit records that server and webhook write to standard output (docs/audit.md). Other lines are counted and
skipped. Files may be compressed with gzip and of any size.

Examples:
  kubectl -n podrole logs -l app.kubernetes.io/part-of=podrole --tail=-1 | podrole audit who --role shop-orders --since 24h
  podrole audit pod shop/orders-7d9f --from-cluster
  podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log podrole.log.1.gz --cloudtrail trail/*.json.gz
  podrole audit refusals --since 1h -o json < podrole.log

Exit codes: 0 answered (also if nothing was found), 1 a log could not be read to its end, 2 usage, or a log cannot be
opened.`;

/** Adds the subcommands to `audit` and returns them; the caller sets their actions. */
export function declareAudit(audit: Command): readonly Command[] {
  audit.description("query the audit trail: grants, denials, and AWS calls per pod").addHelpText("after", ABOUT);
  const who = audit
    .command("who")
    .description("list the containers that received a role")
    .requiredOption("--role <role>", "name, path and name, or ARN of the role")
    .addHelpText("after", "\nExample:\n  podrole audit who --role shop-orders --since 24h -f podrole.log\n");
  const pod = audit
    .command("pod")
    .description("show what a pod did, from its creation to its AWS calls, in order of time")
    .argument("<namespace/name>", "the pod")
    .addHelpText(
      "after",
      "\nExample:\n  podrole audit pod shop/orders -f podrole.log --api-audit-log audit.log --cloudtrail trail.json.gz\n",
    );
  const key = audit
    .command("key")
    .description("find the pod behind an access key ID from CloudTrail")
    .argument("<access-key-id>", "userIdentity.accessKeyId of a CloudTrail record: ASIA…")
    .addHelpText("after", "\nExample:\n  podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log\n");
  const refusals = audit
    .command("refusals")
    .description("list what was refused, with the reasons")
    .option("--reason <code>", "only this error code of docs/errors.md, such as ROLE_FORBIDDEN or STS_DENIED")
    .option("--role <role>", "only this role: its name, its path and name, or its ARN")
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
      new Option("-f, --filename <file...>", 'files, "-" for standard input (default: "-")')
        .argParser(several)
        .helpGroup(LOGS),
    )
    .addOption(
      new Option(
        "--since <time>",
        'only records from this time on: RFC 3339 ("2026-11-26T08:00:00Z") or a duration before now ("2h", "7d")',
      ).helpGroup(LOGS),
    )
    .addOption(new Option("--until <time>", "only records up to this time, in the same form").helpGroup(LOGS))
    .addOption(outputOption(["table", "json"]))
    .addOption(
      new Option(
        "--from-cluster",
        "read the logs of podrole's pods through the Kubernetes API instead of files; the flags below need it",
      ).helpGroup(CLUSTER),
    );
  declareConnection(declarePodroleNamespace(command));
}

function declareApiAuditLog(command: Command): void {
  command.addOption(
    new Option(
      "--api-audit-log <file...>",
      "the API server's audit log: adds who created the pod and from where, and who requested its token; confirms unproven admission records",
    )
      .argParser(several)
      .helpGroup(JOINS),
  );
}

function declareCloudTrail(command: Command): void {
  command.addOption(
    new Option("--cloudtrail <file...>", "CloudTrail's records: adds the AWS calls made with the credentials")
      .argParser(several)
      .helpGroup(JOINS),
  );
}
