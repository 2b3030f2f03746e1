// "What was refused, and why?": one row for each pod (or owner), place and reason, with how often and since when.
import { isoTime, isRole, type Question, shortTime } from "./question.ts";
import type { AuditRecord } from "./records.ts";

export interface RefusalsOptions {
  readonly reason?: string | undefined;
  readonly role?: string | undefined;
  readonly namespace?: string | undefined;
}

interface Sum {
  readonly kind: AuditRecord["kind"];
  readonly reason: string;
  readonly namespace: string;
  /** Name, or what is known of a pod that was never created. */
  readonly pod: string;
  readonly container: string | undefined;
  readonly roles: readonly string[];
  readonly user: string | undefined;
  count: number;
  first: number;
  last: number;
  message: string;
}

export function createRefusals({ reason, role, namespace }: RefusalsOptions): Question {
  const sums = new Map<string, Sum>();

  function isWanted(record: AuditRecord): boolean {
    if (record.decision !== "refuse" && record.decision !== "refused") return false;
    if (reason !== undefined && record.reason !== reason) return false;
    if (namespace !== undefined && record.namespace !== namespace) return false;
    return role === undefined || rolesOf(record).some((asked) => asked === role || isRole(asked, role));
  }

  return {
    hear(record) {
      if (!isWanted(record)) return;
      const { kind, at, reason: code = "", message = "" } = record;
      const place = {
        kind,
        reason: code,
        namespace: record.namespace ?? "",
        pod: podOf(record),
        roles: rolesOf(record),
      };
      const container = kind === "credentials" ? record.container : undefined;
      const user = kind === "admission" ? record.user : undefined;
      const key = JSON.stringify([place, container, user]);
      const sum = sums.get(key) ?? { ...place, container, user, count: 0, first: at, last: at, message };
      sums.set(key, sum);
      sum.count += 1;
      if (at >= sum.last) sum.message = message;
      sum.first = Math.min(sum.first, at);
      sum.last = Math.max(sum.last, at);
    },
    keys: () => ({ requests: new Set(), credentialIds: new Set(), accessKeyIds: new Set() }),
    answer() {
      const rows = [...sums.values()].toSorted((a, b) => a.first - b.first);
      return {
        head: ["FIRST", "LAST", "COUNT", "AT", "REASON", "POD", "BY", "MESSAGE"],
        rows: rows.map((sum) => [
          ...[shortTime(sum.first), shortTime(sum.last), String(sum.count), sum.kind, sum.reason],
          `${sum.namespace}/${sum.pod}${sum.container === undefined ? "" : ` (${sum.container})`}`,
          ...[sum.user ?? "", sum.message],
        ]),
        json: rows.map((sum) => Object.assign({}, sum, { first: isoTime(sum.first), last: isoTime(sum.last) })),
        nothing: "nothing was refused",
      };
    },
  };
}

/** A controller's pods are all new ones; what they have in common is their generateName. */
function podOf(record: AuditRecord): string {
  if (record.pod !== undefined) return record.pod;
  return record.kind === "admission" && record.generateName !== undefined ? `${record.generateName}*` : "";
}

function rolesOf(record: AuditRecord): readonly string[] {
  if (record.kind === "admission") return record.roles.flatMap(({ resolved, asked }) => resolved ?? asked ?? []);
  return record.kind === "credentials" && record.role !== undefined ? [record.role] : [];
}
