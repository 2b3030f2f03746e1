// "Who got role X?" and "whose access key is this?": one row for each container of a pod instance that received the
// role.

import { isRole, type Question } from "../question.ts";
import type { CredentialsRecord } from "../records/podrole-records.ts";
import { createGrantHistories, type GrantHistory } from "./grant-histories.ts";
import { joinKeysOf, type Origin, originOf, sessionsOf, type UsedSession } from "./origin.ts";

/** A grant with the use of its sessions and its origin. */
export interface GrantRow {
  readonly grant: Readonly<Omit<GrantHistory, "sessions">>;
  /** In order of their first issue. */
  readonly sessions: readonly UsedSession[];
  readonly origin: Origin;
}

/** Who received a role or an access key. */
export interface GrantsAnswer {
  readonly kind: "grants";
  readonly rows: readonly GrantRow[];
  /** True if CloudTrail's records were read. */
  readonly hasCalls: boolean;
}

/** An undefined filter matches everything. */
export interface WhoFilter {
  readonly role?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Creates the question about grants that match every given filter. */
export function createGrantsQuestion({ role, accessKeyId, namespace }: WhoFilter): Question<GrantsAnswer> {
  const matches = (record: CredentialsRecord) =>
    (role === undefined || isRole(record.role, role)) &&
    (accessKeyId === undefined || record.accessKeyId === accessKeyId) &&
    (namespace === undefined || record.namespace === namespace);
  const grants = createGrantHistories({ matches, namespace });
  return {
    add: (record) => grants.add(record),
    joinKeys: () => joinKeysOf(grants),
    answer: (joins) => ({
      kind: "grants",
      rows: grants
        .list()
        .map((grant) => ({ grant, sessions: sessionsOf(grant, joins), origin: originOf(grants, grant, joins) })),
      hasCalls: joins.calls !== undefined,
    }),
  };
}
