// The command line of podrole audit: questions, flags and help. What they do stands in audit.ts, which is loaded when one
// is asked.
import { type Command, Option } from "commander";

/** Repeated values arrive as one text; no file's name has a newline that anybody would miss. */
const several = (value: string, held: string | undefined) => (held === undefined ? value : `${held}\n${value}`);

const ABOUT = `
Reads the audit records that server and webhook write to standard output (docs/audit.md), and answers questions about
them. Other lines are counted and passed over; files may be compressed with gzip and of any size.

Examples:
  kubectl -n podrole logs -l app.kubernetes.io/part-of=podrole --tail=-1 | podrole audit who --role shop-orders --since 24h
  podrole audit pod shop/orders-7d9f --from-cluster
  podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log podrole.log.1.gz --cloudtrail trail/*.json.gz
  podrole audit refusals --since 1h -o json < podrole.log

Exit codes: 0 answered (also with nothing), 1 a log could not be read to its end, 2 usage or a file.
`;

/** Adds the questions to `audit`; what each does is the caller's to set. */
export function addAuditQuestions(audit: Command): readonly Command[] {
  audit.description("who got which role, what a pod used, what was refused").addHelpText("after", ABOUT);
  const who = audit
    .command("who")
    .description("who got a role: one row for each container of a pod instance")
    .requiredOption("--role <role>", "the role: its name, its path and name, or its ARN")
    .addHelpText("after", "\nExample:\n  podrole audit who --role shop-orders --since 24h -f podrole.log\n");
  const pod = audit
    .command("pod")
    .description("what a pod used: from kubectl apply to its AWS calls, in order of time")
    .argument("<namespace/name>", "the pod")
    .addHelpText(
      "after",
      "\nExample:\n  podrole audit pod shop/orders -f podrole.log --api-audit-log audit.log --cloudtrail trail.json.gz\n",
    );
  const key = audit
    .command("key")
    .description("whose is an access key id that CloudTrail shows")
    .argument("<access-key-id>", "as in userIdentity.accessKeyId: ASIA…")
    .addHelpText("after", "\nExample:\n  podrole audit key ASIAIOSFODNN7EXAMPLE -f podrole.log\n");
  const refusals = audit
    .command("refusals")
    .description("what was refused and why: one row for each pod and reason")
    .option("--reason <code>", "only this code of docs/errors.md: ROLE_FORBIDDEN, STS_DENIED, …")
    .option("--role <role>", "only this role")
    .addHelpText("after", "\nExample:\n  podrole audit refusals --reason ROLE_FORBIDDEN --since 1h -f podrole.log\n");
  for (const command of [who, key]) joinedWith(command);
  joinedWith(pod);
  for (const command of [who, pod, key, refusals]) read(command);
  for (const command of [who, key, refusals])
    command.option("-n, --namespace <namespace>", "only pods of this namespace");
  return [who, pod, key, refusals];
}

function read(command: Command): void {
  command
    .option("-f, --filename <file...>", 'files with podrole\'s logs, "-" for standard input (default "-")', several)
    .option("--from-cluster", "read the logs of podrole's pods through the Kubernetes API")
    .option("--kubeconfig <file>", "with --from-cluster: kubeconfig file (default KUBECONFIG, ~/.kube/config)")
    .option("--context <name>", "with --from-cluster: context of the kubeconfig instead of its current one")
    .option("--podrole-namespace <namespace>", "with --from-cluster: where podrole runs (default podrole)")
    .option(
      "--since <time>",
      'from then on: RFC 3339 ("2026-11-26T08:00:00Z") or a duration back from now ("2h", "7d")',
    )
    .option("--until <time>", "up to then, in the same form")
    .addOption(new Option("-o, --output <format>", "what to print (default table)").choices(["table", "json"]));
}

function joinedWith(command: Command): void {
  command
    .option(
      "--api-audit-log <file...>",
      "the API server's audit log: adds who created the pod from where, and who asked for its token",
      several,
    )
    .option("--cloudtrail <file...>", "CloudTrail's records: adds the AWS calls made with the credentials", several);
}
