// "Who got role X?" and "whose is this access key?": one row for each container of a pod instance that was given the role.
import { behind, callJson, callsText, joinKeys } from "./created-by.ts";
import { isoTime, isRole, type Joins, type Question, shortTime } from "./question.ts";
import type { CredentialsRecord } from "./records.ts";
import { createUses, type Use, type Uses } from "./uses.ts";

export interface WhoOptions {
  readonly role?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly namespace?: string | undefined;
}

export function createWho({ role, accessKeyId, namespace }: WhoOptions): Question {
  const wants = (record: CredentialsRecord) =>
    (role === undefined || isRole(record.role, role)) &&
    (accessKeyId === undefined || record.accessKeyId === accessKeyId) &&
    (namespace === undefined || record.namespace === namespace);
  const uses = createUses({ wants, namespace });
  return {
    hear: (record) => uses.hear(record),
    keys: () => joinKeys(uses),
    answer(joins) {
      const rows = uses.list().map((use) => rowOf(uses, use, joins));
      return {
        head: [
          ...["FIRST", "LAST", "ISSUES", "POD", "CONTAINER", "SERVICE ACCOUNT", "ROLE", "CREATED BY", "ACCESS KEYS"],
          ...(joins.calls ? ["AWS CALLS"] : []),
        ],
        rows: rows.map(({ cells }) => cells),
        json: rows.map(({ json }) => json),
        nothing:
          accessKeyId === undefined ? `nobody got role ${role}` : `nobody got credentials with key ${accessKeyId}`,
      };
    },
  };
}

function rowOf(uses: Uses, use: Use, joins: Joins) {
  const { namespace, pod, podUid, serviceAccount, container, role, first, last, issues } = use;
  const sessions = [...use.sessions.values()].toSorted((a, b) => a.first - b.first);
  const calls = sessions.map(({ accessKeyId }) => joins.calls?.calls(accessKeyId) ?? []);
  const { user, json } = behind(uses, use, joins);
  const [newest] = sessions.toReversed();
  const others = sessions.length > 1 ? ` and ${sessions.length - 1} before` : "";
  return {
    cells: [
      ...[shortTime(first), shortTime(last), String(issues), `${namespace}/${pod}`, container, serviceAccount ?? ""],
      ...[nameOf(role), user, newest === undefined ? "" : `${newest.accessKeyId}${others}`],
      ...(joins.calls ? [callsText(calls.flat())] : []),
    ],
    json: {
      ...{ namespace, pod, podUid, serviceAccount, container, role, issues },
      ...{ first: isoTime(first), last: isoTime(last) },
      sessions: sessions.map(({ accessKeyId, sessionName, expiration, first: since }, index) => ({
        accessKeyId,
        sessionName,
        expiration,
        first: isoTime(since),
        awsCalls: joins.calls && calls[index]?.map(callJson),
      })),
      ...json,
    },
  };
}

/** Path and name: the account is the same for nearly all rows, and JSON has the whole ARN. */
function nameOf(arn: string): string {
  return arn.replace(/^arn:[^:]*:iam::\d+:role\//, "");
}
