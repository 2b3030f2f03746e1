// podrole audit: reads podrole's audit records wherever they are kept, joins them with the API server's audit log and
// with CloudTrail, and answers one question. Only what the question asks for is kept in memory. Exit codes: 0 answered
// (also with nothing), 1 a log could not be read to its end, 2 a flag is wrong or a file cannot be opened.
import { systemClock } from "../../runtime/clock.ts";
import type { Action, Terminal } from "../../cli/terminal.ts";
import { createApiJoin, readApiEvent } from "./api-audit.ts";
import { createCallJoin, readCalls } from "./cloudtrail.ts";
import { clusterLogs } from "./cluster-logs.ts";
import { type AuditOptions, readOptions } from "./options.ts";
import { createProgress, type Progress } from "./progress.ts";
import type { Joins } from "./question.ts";
import { type AuditRecord, readRecord } from "./records.ts";
import { openFiles, readDocuments, readLines, type Source } from "./sources.ts";
import { tableOf } from "./table.ts";

export const audit: Action = async (terminal, flags, words) => {
  const read = readOptions(words, flags, systemClock.now());
  if ("problems" in read) return fail(terminal, read.problems);
  const { options } = read;
  const logs =
    options.files.length > 0
      ? await openFiles(terminal, "--filename", options.files)
      : await cluster(terminal, options);
  const api = await openFiles(terminal, "--api-audit-log", options.apiAuditLogs);
  const trail = await openFiles(terminal, "--cloudtrail", options.cloudTrail);
  const problems = [logs, api, trail].flatMap((opened) => ("problems" in opened ? opened.problems : []));
  if ("problems" in logs || "problems" in api || "problems" in trail) return fail(terminal, problems);
  const progress = createProgress({ clock: systemClock, say: terminal.err });
  const broken = [...(await hearRecords(options, logs.sources, progress))];
  const joins = await readJoins(options, { api: api.sources, trail: trail.sources }, progress, broken);
  if (terminal.interrupted.aborted) return 130;
  print(terminal, options, joins);
  terminal.err(progress.summary());
  for (const problem of broken) terminal.err(`podrole audit: ${problem}\n`);
  return broken.length === 0 ? 0 : 1;
};

async function hearRecords(
  { question, since, until }: AuditOptions,
  sources: readonly Source[],
  progress: Progress,
): Promise<readonly string[]> {
  return readLines(sources, progress, (line) => {
    const record = readRecord(line);
    const isIn =
      record && (isBackground(record) || (record.at >= (since ?? -Infinity) && record.at <= (until ?? Infinity)));
    if (isIn) question.hear(record);
    return record !== undefined;
  });
}

/** How a pod came to be counts however long ago it was. */
function isBackground({ kind, decision }: AuditRecord): boolean {
  return (kind === "admission" && decision === "inject") || (kind === "certificate" && decision === "issued");
}

/** Reads the other logs for what the question needs of them; what broke is added to `broken`. */
async function readJoins(
  { question }: AuditOptions,
  { api, trail }: { readonly api: readonly Source[]; readonly trail: readonly Source[] },
  progress: Progress,
  broken: string[],
): Promise<Joins> {
  const keys = question.keys();
  const joins: Joins = {
    api: api.length > 0 ? createApiJoin(keys) : undefined,
    calls: trail.length > 0 ? createCallJoin(keys) : undefined,
  };
  const brokenApi = await readLines(api, progress, (line) => {
    const event = readApiEvent(line);
    if (event) joins.api?.add(event);
    return event !== undefined;
  });
  const brokenTrail = await readDocuments(trail, progress, (text) => {
    const calls = readCalls(text);
    for (const call of calls ?? []) joins.calls?.add(call);
    return calls !== undefined;
  });
  broken.push(...brokenApi, ...brokenTrail);
  return joins;
}

function print({ out, err }: Terminal, { question, output }: AuditOptions, joins: Joins): void {
  const { head, rows, json, nothing } = question.answer(joins);
  if (output === "json") out(`${JSON.stringify(json, null, 2)}\n`);
  else if (rows.length > 0) out(tableOf(head, rows));
  if (rows.length === 0) err(`podrole audit: ${nothing}\n`);
}

async function cluster(terminal: Terminal, options: AuditOptions) {
  try {
    return { sources: await clusterLogs(terminal, options) };
  } catch (error) {
    return { problems: [`--from-cluster: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

function fail({ err }: Terminal, problems: readonly string[]): number {
  for (const problem of problems) err(`podrole audit: ${problem}\n`);
  return 2;
}
