// What the page of podrole ui asks for, by path: a reading of the cluster, one pod, its audit lines, who could have a
// role, and a migration. Each answer is data of an operation.
import { type AuditOptions, type AuditResult, audit } from "../../operations/audit/audit.ts";
import { type Known, readKnown } from "../../operations/known.ts";
import { createSnapshotFeed } from "../../operations/ui/feed.ts";
import { readUiMigration } from "../../operations/ui/migration.ts";
import type { UiAuditStep } from "../../operations/ui/model.ts";
import { readUiPod } from "../../operations/ui/pod.ts";
import { readRoleUsers } from "../../operations/ui/role-users.ts";
import { readUiSnapshot, type UiDeps, type UiOptions } from "../../operations/ui/snapshot.ts";
import { DAY_MS, formatSeconds } from "../../runtime/clock.ts";
import { stepText } from "../output/audit.ts";
import type { AnswerData } from "./page-server.ts";

/** What the answers read with. */
export interface AnswerDeps extends UiDeps {
  /** Ends the reading of logs. */
  readonly signal: AbortSignal;
  /** Where the audit lines are; default: the logs of podrole's pods. */
  readonly findLogs?: () => Promise<AuditOptions["logs"]>;
}

/** Logs of more than a day are long, and podrole audit reads them too. */
const AUDIT_REACH_MS = DAY_MS;

/** Creates the answers; nothing is read before the first question. */
export function createAnswers(deps: AnswerDeps, options: UiOptions): AnswerData {
  const { kubernetes, clock, signal, findLogs } = deps;
  const { namespace: only, podroleNamespace } = options;
  const feed = createSnapshotFeed({ clock, read: () => readUiSnapshot(deps, options) });

  const ofCluster = async () => ({ from: "cluster", kubernetes, namespace: podroleNamespace }) as const;

  async function readAudit(namespace: string, pod: string): Promise<Known<readonly UiAuditStep[]>> {
    const read = await readKnown(async () =>
      audit(
        { clock, signal, stdin: () => undefined, onProgress: () => {} },
        {
          query: { about: "pod", namespace, pod },
          logs: await (findLogs ?? ofCluster)(),
          apiAuditLogs: [],
          cloudTrail: [],
          since: clock.now() - AUDIT_REACH_MS,
          until: undefined,
        },
      ),
    );
    if ("unknown" in read) return read;
    const { value: result } = read;
    return result.ok
      ? { value: stepsOf(result.value) }
      : { unknown: result.problems.map(({ text }) => text).join("; "), needs: [] };
  }

  return async (path, query) => {
    const [namespace, name] = [query.get("namespace") ?? "", query.get("name") ?? ""];
    switch (path) {
      case "snapshot": {
        const latest = await feed.latest();
        return latest.ok ? latest.value : { problem: latest.problem };
      }
      case "pod":
        return isInScope(namespace, only) ? readUiPod(deps, { namespace, name }, podroleNamespace) : undefined;
      case "audit":
        return isInScope(namespace, only) ? readAudit(namespace, name) : undefined;
      case "role":
        return readRoleUsers(kubernetes, { role: query.get("role") ?? "", namespace: only, podroleNamespace });
      case "migration": {
        const from = query.get("from");
        return from === "kiam" || from === "kube2iam" ? readUiMigration(kubernetes, from, only) : undefined;
      }
      default:
        return undefined;
    }
  };
}

/** With --namespace the page shows that namespace alone. */
function isInScope(namespace: string, only: string | undefined): boolean {
  return only === undefined || namespace === only;
}

function stepsOf({ answer }: AuditResult): readonly UiAuditStep[] {
  if (answer.kind !== "pod") return [];
  return answer.rows.map((step) => ({ at: formatSeconds(step.at), what: step.what, text: stepText(step) }));
}
