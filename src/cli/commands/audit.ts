// podrole audit. Exit codes: 0 answered (even if nothing was found), 1 a log could not be read to its end, 2 usage, or
// a log cannot be opened, 130 interrupted.
import { type AuditOptions, audit } from "../../operations/audit/audit.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { type AuditArguments, readAudit } from "../arguments/audit-options.ts";
import { withPodrole } from "../cluster.ts";
import {
  answerTable,
  auditProblemText,
  brokenLogText,
  emptyLogsText,
  emptyText,
  logText,
  progressText,
} from "../output/audit.ts";
import { answerJson } from "../output/audit-json.ts";
import { type Action, type Terminal, writeNote, writeProblems } from "../terminal.ts";

const EXIT_CODE_INTERRUPTED = 130;

/** Runs podrole audit; `args` begin with the name of the question. */
export const auditAction: Action = async (terminal, flags, args) => {
  const command = `audit ${args[0] ?? ""}`;
  const read = readAudit(flags, args, clock.now());
  if (!read.ok) return writeProblems(terminal, command, read.problems);
  const { files, connection, podroleNamespace } = read.value;
  if (files.length > 0) return runQuestion(terminal, command, read.value, { from: "files", files });
  const place = { connection, podroleNamespace, namespace: flags["namespace"] };
  return withPodrole(terminal, command, place, (kubernetes, namespace) =>
    runQuestion(terminal, command, read.value, { from: "cluster", kubernetes, namespace }),
  );
};

async function runQuestion(
  terminal: Terminal,
  command: string,
  options: AuditArguments,
  logs: AuditOptions["logs"],
): Promise<number> {
  const { out, stdin, interrupted: signal } = terminal;
  const onProgress = (counts: Parameters<typeof progressText>[0]) => writeNote(terminal, command, progressText(counts));
  const result = await audit({ clock, stdin, signal, onProgress }, { ...options, logs });
  if (!result.ok) return writeProblems(terminal, command, result.problems.map(auditProblemText));
  if (signal.aborted) return EXIT_CODE_INTERRUPTED;
  const { answer: found, logs: read, broken } = result.value;
  // Without a line there is nothing that an answer could rest on, as after a failed command in a pipeline.
  if (broken.length === 0 && read.every(({ lines }) => lines === 0)) {
    return writeProblems(terminal, command, [emptyLogsText(read)]);
  }
  const isEmpty = found.rows.length === 0;
  if (options.json) out(answerJson(found));
  else if (!isEmpty) out(answerTable(found));
  if (isEmpty) writeNote(terminal, command, emptyText(options.query));
  for (const counts of read) writeNote(terminal, command, logText(counts));
  for (const log of broken) writeNote(terminal, command, brokenLogText(log));
  return broken.length === 0 ? 0 : 1;
}
