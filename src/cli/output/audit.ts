// The answers of podrole audit as tables, and its messages about logs.

import type { CallerTrust } from "../../operations/audit/answers/caller-trust.ts";
import type { Session } from "../../operations/audit/answers/grant-histories.ts";
import type { GrantRow } from "../../operations/audit/answers/grants.ts";
import type { Origin } from "../../operations/audit/answers/origin.ts";
import type { PodStep } from "../../operations/audit/answers/pod.ts";
import type { RefusalRow } from "../../operations/audit/answers/refusals.ts";
import type { AuditAnswer, AuditProblem } from "../../operations/audit/audit.ts";
import type { LogCounts } from "../../operations/audit/logs/progress.ts";
import type { BrokenLog } from "../../operations/audit/logs/sources.ts";
import type { AuditQuery } from "../../operations/audit/question.ts";
import type { CallSum } from "../../operations/audit/records/aws-calls.ts";
import type { AuditRecord } from "../../operations/audit/records/podrole-records.ts";
import { countOf } from "../../operations/format.ts";
import { formatSeconds } from "../../runtime/clock.ts";
import { escapeControls, tableOf } from "./text.ts";

/** Returns the answer as a table, with one row for each row of the answer. */
export function answerTable(answer: AuditAnswer): string {
  switch (answer.kind) {
    case "grants":
      return tableOf(
        answer.hasCalls ? [...GRANT_HEAD, "AWS CALLS"] : GRANT_HEAD,
        answer.rows.map((row) => grantCells(row, answer.hasCalls)),
      );
    case "pod":
      return tableOf(
        ["TIME", "WHAT", "DETAIL"],
        answer.rows.map((step) => [formatSeconds(step.at), step.what, stepText(step)]),
      );
    case "refusals":
      return tableOf(REFUSAL_HEAD, answer.rows.map(refusalCells));
  }
}

const GRANT_HEAD = [
  ...["FIRST", "LAST", "ISSUES", "POD", "CONTAINER", "SERVICE ACCOUNT", "ROLE", "CREATED BY", "ACCESS KEYS"],
];

function grantCells({ grant, sessions, origin }: GrantRow, hasCalls: boolean): readonly string[] {
  const { namespace, pod, serviceAccount, container, role, first, last, issues } = grant;
  const newest = sessions.at(-1)?.session;
  const older = sessions.length > 1 ? ` and ${sessions.length - 1} earlier` : "";
  return [
    ...[
      formatSeconds(first),
      formatSeconds(last),
      String(issues),
      `${namespace}/${pod}`,
      container,
      serviceAccount ?? "",
    ],
    ...[
      pathAndName(role),
      userText(origin),
      newest === undefined ? "" : `${newest.accessKeyId}${older}${receiversNote(sessions)}`,
    ],
    ...(hasCalls ? [callsText(sessions.flatMap(({ calls }) => calls ?? []))] : []),
  ];
}

/** Such as ", received by 2 addresses"; empty for one address, or if the records name none. */
function receiversNote(sessions: GrantRow["sessions"]): string {
  const addresses = new Set(sessions.flatMap(({ session }) => [...session.receivers.keys()]));
  return addresses.size > 1 ? `, received by ${addresses.size} addresses` : "";
}

/** Without the account, which is the same for nearly all rows; JSON has the whole ARN. */
function pathAndName(arn: string): string {
  return arn.replace(/^arn:[^:]*:iam::\d+:role\//, "");
}

/** Such as "alice@example.com" or "alice@example.com as deployer". */
function userText({ admission, creation }: Origin): string {
  const user = creation?.user ?? admission?.record.user;
  if (user === undefined) return "";
  return markCaller(creation?.impersonated ? `${user} as ${creation.impersonated}` : user, admission?.caller);
}

/** Marks what a record says that anyone who reaches the webhook, or another user's admission, may have caused. */
function markCaller(text: string, caller: CallerTrust | undefined): string {
  return caller === "unproven" || caller === "ambiguous" ? `${text} (${caller})` : text;
}

/** Such as "sts:GetCallerIdentity ×2, s3:GetObject ×9 (3 AccessDenied)". */
function callsText(calls: readonly CallSum[]): string {
  return calls
    .map(({ action, count, errors }) => {
      const failed = [...errors].map(([code, times]) => `${times} ${code}`).join(", ");
      return `${action} ×${count}${failed === "" ? "" : ` (${failed})`}`;
    })
    .join(", ");
}

/** Returns what one step of a pod was, on one line. */
export function stepText(step: PodStep): string {
  switch (step.what) {
    case "admitted": {
      const { owner, roles } = step.admission.record;
      const { creation } = step.origin;
      const assigned = roles.map(({ container, resolved }) => `${container}=${resolved ?? ""}`).join(", ");
      const from = creation ? ` from ${creation.sourceIps.join(", ")} (${creation.userAgent ?? "no user agent"})` : "";
      return `by ${userText(step.origin)}${owner === undefined ? "" : ` for ${owner}`}${from}; ${assigned}`;
    }
    case "certificate": {
      const { serial = "", podUid = "", podCertificateRequest: request, credentialId = "a token" } = step.certificate;
      const doubt = step.certificate.evidence === "signed" ? " (not confirmed by the API server)" : "";
      if (request !== undefined) {
        return `serial ${serial} for pod uid ${podUid}, by PodCertificateRequest ${request}${doubt}`;
      }
      const requester = step.tokenRequestedBy === undefined ? "" : ` requested by ${step.tokenRequestedBy}`;
      return `serial ${serial} for pod uid ${podUid}, proved by ${credentialId}${requester}`;
    }
    case "credentials": {
      const { accessKeyId, sessionName = "", expiration = "", receivers } = step.session;
      const key = `key ${accessKeyId} until ${expiration}`;
      return `${step.grant.container}: ${step.grant.role} as ${sessionName}, ${key}${receiversText(receivers)}`;
    }
    case "aws":
      return `${step.grant.container}: ${callsText([step.call])} from ${[...step.call.sourceIps].join(", ")}`;
    case "refused": {
      const { kind, reason = "", message = "" } = step.record;
      const container = step.record.kind === "credentials" ? step.record.container : undefined;
      const where = markCaller(`${kind}${container === undefined ? "" : ` of ${container}`}`, step.caller);
      return `${where}${repeatsText(step.record)}: ${reason}: ${message}`;
    }
  }
}

/** Such as " ×6 since the line before": the lines of equal refusals that were not written. */
function repeatsText(record: AuditRecord): string {
  return record.kind === "admission" || record.omitted === 0 ? "" : ` ×${record.omitted + 1} since the line before`;
}

/** Such as "; received by 10.0.1.7 ×2, and by 10.0.9.9 ×4 since 2026-11-29T08:40:08Z". */
function receiversText(receivers: Session["receivers"]): string {
  const [first, ...others] = [...receivers].toSorted(([, a], [, b]) => a.first - b.first);
  if (first === undefined) return "";
  const [address, { issues }] = first;
  const later = others.map(([other, seen]) => `, and by ${other} ×${seen.issues} since ${formatSeconds(seen.first)}`);
  return `; received by ${address} ×${issues}${later.join("")}`;
}

const REFUSAL_HEAD = ["FIRST", "LAST", "COUNT", "AT", "REASON", "POD", "BY", "MESSAGE"];

function refusalCells(row: RefusalRow): readonly string[] {
  const { kind, reason, namespace, pod, container, user = "", count, first, last, message } = row;
  return [
    formatSeconds(first),
    formatSeconds(last),
    String(count),
    kind,
    reason,
    pod === "" ? "callers without proof" : `${namespace}/${pod}${container === undefined ? "" : ` (${container})`}`,
    markCaller(user, row.caller).trim(),
    message,
  ];
}

/** What is reported if the answer has no row. */
export function emptyText(query: AuditQuery): string {
  switch (query.about) {
    case "role":
      return `no container received role ${query.role}, as far as the logs reach back`;
    case "key":
      return `no container received access key ${query.accessKeyId}, as far as the logs reach back`;
    case "pod":
      return `no audit record mentions pod ${query.namespace}/${query.pod}`;
    case "refusals":
      return "no audit record contains a refusal that matches";
  }
}

/** Returns how much of a log has been read so far, for standard error. */
export function progressText({ name, bytes, lines }: LogCounts): string {
  return `reading ${escapeControls(name)}: ${(bytes / 1e6).toFixed(0)} MB, ${lines} lines`;
}

/** Returns what was read of a log: how far its records reach back, and how many lines were skipped. */
export function logText({ name, lines, records, oldest, tooLong }: LogCounts): string {
  const since = Object.entries(oldest).map(([kind, at]) => `${kind} since ${formatSeconds(at)}`);
  const reach = since.length === 0 ? "" : ` (${since.toSorted().join(", ")})`;
  const skipped = tooLong === 0 ? "" : `, ${tooLong} skipped because they are too long for a record`;
  const counted = `${countOf(records, "record")}${reach}, ${countOf(lines - records, "other line")}`;
  return `${escapeControls(name)}: ${counted}${skipped}`;
}

/** Returns the problem of logs that have no line. */
export function emptyLogsText(logs: readonly LogCounts[]): string {
  const names = logs.map(({ name }) => escapeControls(name)).join(", ");
  const expected = "expected the logs of podrole's server and webhook (kubectl -n podrole logs …, or --from-cluster)";
  return names === "" ? `there is no log; ${expected}` : `Cannot answer: ${names}: no line; ${expected}`;
}

/** Returns that a log could not be read to its end, and why. */
export function brokenLogText({ name, reason }: BrokenLog): string {
  return `${escapeControls(name)} could not be read to its end (${reason}); the answer includes the records before the error`;
}

const INPUT_FLAGS: Readonly<Record<AuditProblem["input"], string>> = {
  files: "--filename",
  cluster: "--from-cluster",
  apiAuditLog: "--api-audit-log",
  cloudTrail: "--cloudtrail",
};

/** Returns the problem behind the flag that named the log. */
export function auditProblemText({ input, text }: AuditProblem): string {
  return `${INPUT_FLAGS[input]}: ${text}`;
}
