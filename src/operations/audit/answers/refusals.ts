// "What was refused, and why?": one row for each pod (or owner), container, user and reason, with its count and times.
import type { ErrorCode } from "../../../protocol/errors.ts";
import { isRefusalRecord, isRole, type Joins, type Question } from "../question.ts";
import type { AdmissionRecord, AuditRecord } from "../records/podrole-records.ts";
import { type CallerTrust, callerTrustOf } from "./caller-trust.ts";

/** An undefined filter matches everything. */
export interface RefusalFilter {
  readonly reason?: ErrorCode | undefined;
  readonly role?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Equal refusals, counted. */
export interface RefusalRow {
  readonly kind: AuditRecord["kind"];
  readonly reason: string;
  readonly namespace: string;
  /** Name, or "generateName*" for a pod that was never created. */
  readonly pod: string;
  readonly roles: readonly string[];
  readonly container: string | undefined;
  readonly user: string | undefined;
  /**
   * How far the webhook's record is believed. Of the server's, "unproven" are those without a pod: their callers proved
   * nothing, and the row counts all of them together. Undefined for the others.
   */
  readonly caller: CallerTrust | undefined;
  /** With those whose lines were left out because they repeat one that was written. */
  count: number;
  /** Unix milliseconds. */
  first: number;
  last: number;
  /** Of the last refusal. */
  message: string;
}

/** What was refused, and why. */
export interface RefusalsAnswer {
  readonly kind: "refusals";
  /** In order of their first refusal. */
  readonly rows: readonly Readonly<RefusalRow>[];
}

/** Creates the question about refusals that match every given filter. */
export function createRefusalsQuestion({ reason, role, namespace }: RefusalFilter): Question<RefusalsAnswer> {
  const rows = new Map<string, RefusalRow>();
  /** Refusals by the webhook: the API server's log, which is read later, tells which of them are believed. */
  const admissions: AdmissionRecord[] = [];

  function matches(record: AuditRecord): boolean {
    if (!isRefusalRecord(record)) return false;
    if (reason !== undefined && record.reason !== reason) return false;
    if (namespace !== undefined && record.namespace !== namespace) return false;
    return role === undefined || rolesOf(record).some((requested) => requested === role || isRole(requested, role));
  }

  function count(record: AuditRecord, caller?: CallerTrust): void {
    const { kind, at, reason: code = "", message = "" } = record;
    const subject = {
      ...{ kind, reason: code, namespace: record.namespace ?? "", pod: podNameOf(record), roles: rolesOf(record) },
      container: kind === "credentials" ? record.container : undefined,
      user: kind === "admission" ? record.user : undefined,
      caller,
    };
    const key = JSON.stringify(subject);
    const row = rows.get(key) ?? { ...subject, count: 0, first: at, last: at, message };
    rows.set(key, row);
    // Refusals of the webhook are never left out; what a line of the server stands for has the key of this row: the
    // same refusal of the same pod, or any caller that proved nothing.
    row.count += record.kind === "admission" ? 1 : 1 + record.omitted;
    if (at >= row.last) row.message = message;
    row.first = Math.min(row.first, at);
    row.last = Math.max(row.last, at);
  }

  return {
    add(record) {
      if (!matches(record)) return;
      if (record.kind === "admission") admissions.push(record);
      else count(record, record.pod === undefined ? "unproven" : undefined);
    },
    joinKeys: () => ({
      requests: new Set(admissions.flatMap(({ request }) => request ?? [])),
      credentialIds: new Set(),
      accessKeyIds: new Set(),
      pods: new Set(),
    }),
    answer({ api }: Joins) {
      for (const record of admissions) count(record, callerTrustOf(record, api));
      return { kind: "refusals", rows: [...rows.values()].toSorted((a, b) => a.first - b.first) };
    },
  };
}

/** A controller tries again with a new name each time; its pods share their generateName. */
function podNameOf(record: AuditRecord): string {
  if (record.pod !== undefined) return record.pod;
  return record.kind === "admission" && record.generateName !== undefined ? `${record.generateName}*` : "";
}

function rolesOf(record: AuditRecord): readonly string[] {
  if (record.kind === "admission")
    return record.roles.flatMap(({ resolved, requested }) => resolved ?? requested ?? []);
  return record.kind === "credentials" && record.role !== undefined ? [record.role] : [];
}
