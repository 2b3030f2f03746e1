// What every question to the audit has in common: it hears records, says what it needs from other logs, and answers.
import type { ApiJoin } from "./api-audit.ts";
import type { CallJoin } from "./cloudtrail.ts";
import type { AuditRecord } from "./records.ts";

/** What joins podrole's records with other logs. */
export interface JoinKeys {
  readonly requests: Set<string>;
  readonly credentialIds: Set<string>;
  readonly accessKeyIds: Set<string>;
}

export interface Joins {
  /** Undefined: that log was not given. */
  readonly api: ApiJoin | undefined;
  readonly calls: CallJoin | undefined;
}

export interface Answer {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The same for machines: one object a row. */
  readonly json: readonly object[];
  /** Said when there is no row. */
  readonly nothing: string;
}

export interface Question {
  hear(record: AuditRecord): void;
  keys(): JoinKeys;
  answer(joins: Joins): Answer;
}

/** "2026-11-26T01:02:03Z" */
export function shortTime(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

/** A role as people name it: its name, its path and name, or its ARN. */
export function isRole(arn: string | undefined, wanted: string): boolean {
  if (arn === undefined) return false;
  const name = wanted.replace(/^\//, "");
  return arn === wanted || arn.endsWith(`:role/${name}`) || (!name.includes("/") && arn.endsWith(`/${name}`));
}
