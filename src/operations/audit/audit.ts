// Reads podrole's audit records from files, standard input or the cluster, joins them with the API server's audit log
// and with CloudTrail, and answers one question. Only records that the question needs stay in memory.

import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Checked, success } from "../../runtime/result.ts";
import { createGrantsQuestion, type GrantsAnswer } from "./answers/grants.ts";
import { createPodQuestion, type PodAnswer } from "./answers/pod.ts";
import { createRefusalsQuestion, type RefusalsAnswer } from "./answers/refusals.ts";
import { openClusterLogs } from "./logs/cluster-logs.ts";
import { createReadProgress, type LogCounts, type ReadProgress } from "./logs/progress.ts";
import {
  type BrokenLog,
  type FileDeps,
  type LogFile,
  type OpenedSources,
  openFiles,
  readJsonDocuments,
  readLines,
} from "./logs/sources.ts";
import type { AuditQuery, Joins, Question } from "./question.ts";
import { createApiJoin, readApiEvent } from "./records/api-events.ts";
import { createCallJoin, readCalls } from "./records/aws-calls.ts";
import { type AuditRecord, readRecord } from "./records/podrole-records.ts";

/** What an audit reads from, and reports to. */
export interface AuditDeps extends FileDeps {
  readonly clock: Clock;
  /** Receives the counts of the log that is being read, at most once a second. */
  readonly onProgress: (counts: LogCounts) => void;
}

/** The question, and the logs that may answer it. */
export interface AuditOptions {
  readonly query: AuditQuery;
  /** podrole's own logs. A file named "-" is standard input. */
  readonly logs:
    | { readonly from: "files"; readonly files: readonly string[] }
    | {
        readonly from: "cluster";
        readonly kubernetes: Pick<OperatorKubernetes, "listAll" | "streamLog">;
        /** Namespace that podrole runs in. */
        readonly namespace: string;
      };
  readonly apiAuditLogs: readonly string[];
  readonly cloudTrail: readonly string[];
  /** Unix milliseconds; undefined for no limit. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** The answer of one question; `kind` says of which. */
export type AuditAnswer = GrantsAnswer | PodAnswer | RefusalsAnswer;

/** `input` names the log that cannot be opened. */
export interface AuditProblem {
  readonly input: "files" | "cluster" | "apiAuditLog" | "cloudTrail";
  readonly text: string;
}

/** The answer, and how far the logs were read. */
export interface AuditResult {
  readonly answer: AuditAnswer;
  readonly logs: readonly LogCounts[];
  readonly broken: readonly BrokenLog[];
}

/** Returns a problem for each log that cannot be opened; a log that breaks off later is part of the answer. */
export async function audit(deps: AuditDeps, options: AuditOptions): Promise<Checked<AuditResult, AuditProblem>> {
  const logs = await openLogs(deps, options.logs);
  const api = await openFiles(deps, options.apiAuditLogs);
  const trail = await openFiles(deps, options.cloudTrail);
  if (!logs.ok || !api.ok || !trail.ok) {
    const inputs = [[options.logs.from, logs] as const, ["apiAuditLog", api] as const, ["cloudTrail", trail] as const];
    return { ok: false, problems: inputs.flatMap(([input, log]) => problemsOf(input, log)) };
  }
  const progress = createReadProgress({ clock: deps.clock, report: deps.onProgress });
  const question = questionOf(options.query);
  const broken = await readRecords(question, options, logs.value, progress);
  const { joins, broken: more } = await readJoins(question, api.value, trail.value, progress);
  return success({ answer: question.answer(joins), logs: progress.counts(), broken: [...broken, ...more] });
}

function openLogs(deps: AuditDeps, logs: AuditOptions["logs"]): Promise<OpenedSources> {
  if (logs.from === "files") return openFiles(deps, logs.files);
  return openClusterLogs({ kubernetes: logs.kubernetes, signal: deps.signal }, logs.namespace);
}

function problemsOf(input: AuditProblem["input"], opened: OpenedSources): readonly AuditProblem[] {
  return opened.ok ? [] : opened.problems.map((text) => ({ input, text }));
}

function questionOf(query: AuditQuery): Question<AuditAnswer> {
  switch (query.about) {
    case "role":
    case "key":
      return createGrantsQuestion(query);
    case "pod":
      return createPodQuestion(query);
    case "refusals":
      return createRefusalsQuestion(query);
  }
}

function readRecords(
  question: Question<AuditAnswer>,
  { since = -Infinity, until = Infinity }: AuditOptions,
  sources: readonly LogFile[],
  progress: ReadProgress,
): Promise<readonly BrokenLog[]> {
  return readLines(sources, progress, (line) => {
    const record = readRecord(line);
    if (record) progress.recordAt(record.kind, record.at);
    if (record && (isBackground(record) || (record.at >= since && record.at <= until))) question.add(record);
    return record !== undefined;
  });
}

/** Admissions and certificates explain a grant, so they count however long ago they were. */
function isBackground({ kind, decision }: AuditRecord): boolean {
  return (kind === "admission" && decision === "inject") || (kind === "certificate" && decision === "issued");
}

/** Reads from the other logs what the question needs of them. */
async function readJoins(
  question: Question<AuditAnswer>,
  api: readonly LogFile[],
  trail: readonly LogFile[],
  progress: ReadProgress,
): Promise<{ readonly joins: Joins; readonly broken: readonly BrokenLog[] }> {
  const keys = question.joinKeys();
  const joins: Joins = {
    api: api.length > 0 ? createApiJoin(keys) : undefined,
    calls: trail.length > 0 ? createCallJoin(keys) : undefined,
  };
  const brokenApi = await readLines(api, progress, (line) => {
    const event = readApiEvent(line);
    if (event) joins.api?.add(event);
    return event !== undefined;
  });
  const brokenTrail = await readJsonDocuments(trail, progress, (text) => {
    const calls = readCalls(text);
    for (const call of calls ?? []) joins.calls?.add(call);
    return calls !== undefined;
  });
  return { joins, broken: [...brokenApi, ...brokenTrail] };
}
