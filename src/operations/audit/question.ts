// The questions that podrole audit answers, and what each has in common: it receives records, names what it needs from
// other logs, and answers.
import type { ErrorCode } from "../../protocol/errors.ts";
import type { ApiJoin } from "./records/api-events.ts";
import type { CallJoin } from "./records/aws-calls.ts";
import type { AuditRecord } from "./records/podrole-records.ts";

/** What an operator asks. */
export type AuditQuery =
  /** Which containers received a role. `role` is its name, its path and name, or its ARN. */
  | { readonly about: "role"; readonly role: string; readonly namespace: string | undefined }
  /** Which container received an access key. */
  | { readonly about: "key"; readonly accessKeyId: string; readonly namespace: string | undefined }
  /** Everything about one pod, in order of time. */
  | { readonly about: "pod"; readonly namespace: string; readonly pod: string }
  /** What was refused. An undefined filter matches everything. */
  | {
      readonly about: "refusals";
      readonly reason: ErrorCode | undefined;
      readonly role: string | undefined;
      readonly namespace: string | undefined;
    };

/** Values that join podrole's records with other logs. */
export interface JoinKeys {
  readonly requests: Set<string>;
  readonly credentialIds: Set<string>;
  readonly accessKeyIds: Set<string>;
  /** As "namespace/name". */
  readonly pods: Set<string>;
}

/** The events of other logs that the question named. */
export interface Joins {
  /** Undefined if that log was not given. */
  readonly api: ApiJoin | undefined;
  readonly calls: CallJoin | undefined;
}

/** Receives all records, then answers once. Keeps only the records that the answer needs. */
export interface Question<Answer> {
  add(record: AuditRecord): void;
  joinKeys(): JoinKeys;
  answer(joins: Joins): Answer;
}

/** True if `given`, the name, path and name, or ARN of a role, means the role with this ARN. */
export function isRole(arn: string | undefined, given: string): boolean {
  if (arn === undefined) return false;
  const name = given.replace(/^\//, "");
  return arn === given || arn.endsWith(`:role/${name}`) || (!name.includes("/") && arn.endsWith(`/${name}`));
}

/** The webhook writes "refuse", the server "refused". */
export function isRefusalRecord({ decision }: AuditRecord): boolean {
  return decision === "refuse" || decision === "refused";
}
