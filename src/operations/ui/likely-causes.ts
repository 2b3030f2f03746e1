// What one reading shows only as a whole: the server's own reason for a container's refusal, a role that is spelt
// almost like one that containers hold, and pods that have not renewed since the current CA began to sign. Pure.
import { parseRoleArn, type RoleArn } from "../../policy/role.ts";
import { formatSeconds, MINUTE_MS } from "../../runtime/clock.ts";
import { createSuggester } from "../../runtime/suggest.ts";
import { objectArgument, shellCommentText, shellQuote } from "../migrate/shell-commands.ts";
import { editStep, explainStep, restartWorkloadSteps, type StepFields, stepFields, stepsIn } from "../next-steps.ts";
import type { PodRow, RefusedRow } from "../status/model.ts";
import type { UiSnapshot } from "./model.ts";
import { isRenewalOverdue } from "./overdue.ts";

/** The rows of one reading. */
type ReadRows = Pick<UiSnapshot, "pods" | "refusals" | "trust">;

/** The rows with what was found, and what is said of roles and pods beside them. */
export type LikelyCauses = Pick<UiSnapshot, "pods" | "refusals" | "similarRoles" | "earlierCaPods">;

/** Adds to the rows what they say about each other at `now` (Unix milliseconds). */
export function findLikelyCauses({ pods, refusals, trust }: ReadRows, now: number): LikelyCauses {
  const similarRoles = similarRolesOf([...pods, ...refusals], heldRoles(pods, now));
  const byName = new Map(pods.map((row) => [`${row.namespace}/${row.pod}/${row.container}`, row] as const));
  const correct = (row: PodRow | RefusedRow): StepFields => {
    const { role, code, namespace, pod, container } = row;
    const meant = code === "STS_DENIED" && role !== undefined ? similarRoles[role] : undefined;
    if (meant === undefined) return {};
    const { workload = "", roleAnnotation } = byName.get(`${namespace}/${pod}/${container}`) ?? {};
    const [kind = "", name] = workload.split("/");
    const object =
      name === undefined || kind === "Pod"
        ? { namespace, kind: "pod", name: pod }
        : { namespace, kind: kind.toLowerCase(), name };
    const what = roleAnnotation === undefined ? "it" : `annotation ${shellCommentText(roleAnnotation)}`;
    const hint = `did you mean ${shellCommentText(nameOfRole(meant))}?`;
    return stepFields([editStep(object, `if the role is misspelt, correct ${what}`, hint), ...stepsIn(row)]);
  };
  const records = new Map(refusals.filter(({ from }) => from === "server").map((row) => [keyOfRefused(row), row]));
  const corrected = refusals.map((row) => ({ ...row, ...correct(row) }));
  const signsSince = trust.find(({ slot }) => slot === "current")?.since;
  const earlierCaPods = new Set<string>();
  const found = pods.map((row): PodRow => {
    if (isOfEarlierCa(row, signsSince, now)) {
      earlierCaPods.add(`${row.namespace}/${row.pod}`);
      return { ...row, message: earlierCaMessage(signsSince), ...earlierCaSteps(row) };
    }
    const record = records.get(keyOfRefused(row));
    // The server's record is cut after some length; what the sidecar left behind is not.
    const known = record ? { message: record.message, ...row, ...stepFields(stepsIn(record)) } : row;
    return { ...known, ...correct(known) };
  });
  return { pods: found, refusals: corrected, similarRoles, earlierCaPods: [...earlierCaPods] };
}

function keyOfRefused({ namespace, pod, container, code }: Pick<PodRow, "namespace" | "pod" | "container" | "code">) {
  return `${namespace}/${pod}/${container}/${code ?? ""}`;
}

/**
 * The roles of which the server has issued credentials that some container holds. Only the server says when it issued
 * them: a row without that time is what the pod itself reports, and a pod may report any role.
 */
function heldRoles(pods: readonly PodRow[], now: number): readonly RoleArn[] {
  return pods.flatMap(({ role, expires, renewed }) => {
    const isHeld = expires !== undefined && renewed !== undefined && Date.parse(expires) > now;
    return (isHeld && role !== undefined && parseRoleArn(role)) || [];
  });
}

/** By ARN of a role that STS denied: the held role of its account that is spelt almost the same. */
function similarRolesOf(
  rows: readonly Pick<PodRow, "role" | "code">[],
  held: readonly RoleArn[],
): Readonly<Record<string, string>> {
  const texts = new Set(rows.flatMap(({ role, code }) => (code === "STS_DENIED" && role !== undefined ? role : [])));
  const denied = [...texts].flatMap((role) => parseRoleArn(role) ?? []);
  const heldIn = Map.groupBy(held, ({ accountId }) => accountId);
  const similar = [...Map.groupBy(denied, ({ accountId }) => accountId)].flatMap(([accountId, roles]) => {
    const arns = new Map(heldIn.get(accountId)?.map(({ name, arn }) => [name, arn]));
    const suggest = createSuggester(arns.keys());
    return roles.flatMap(({ name, arn }) => {
      const meant = arns.has(name) ? undefined : arns.get(suggest(name) ?? "");
      return meant === undefined ? [] : [[arn, meant] as const];
    });
  });
  return Object.fromEntries(similar);
}

/** The name in an ARN; a text that is none as it is. */
function nameOfRole(role: string): string {
  return parseRoleArn(role)?.name ?? role;
}

/** Running servers read the CA's Secret again within this time. */
const CA_PICKUP_MS = MINUTE_MS;

/**
 * Reports whether the container should have renewed since the current CA began to sign, and has not: a sidecar that
 * trusts only an earlier CA cannot call the server. A code says that the server has answered it.
 */
function isOfEarlierCa(
  { phase, code, renewed, expires }: PodRow,
  signsSince: string | undefined,
  now: number,
): signsSince is string {
  if (signsSince === undefined || renewed === undefined || expires === undefined) return false;
  if (phase === "terminating" || code !== undefined) return false;
  if (Date.parse(renewed) >= Date.parse(signsSince) + CA_PICKUP_MS) return false;
  return isRenewalOverdue({ renewed, expires }, now);
}

function earlierCaMessage(signsSince: string): string {
  return `Probably its sidecar trusts only an earlier CA, which is retired, and rejects the server's certificate: its renewal is overdue, and the current CA began to sign at ${formatSeconds(Date.parse(signsSince))}. Its log then has SERVER_UNTRUSTED. Its credentials expire and are not replaced.`;
}

function earlierCaSteps({ namespace, pod, workload = `Pod/${pod}` }: PodRow): StepFields {
  const logs = `kubectl -n ${shellQuote(namespace)} logs ${objectArgument("pod", pod)} -c podrole-sidecar`;
  // The restart takes the log away.
  return stepFields([
    `${logs}  # the cause is another one if it does not contain SERVER_UNTRUSTED`,
    ...restartWorkloadSteps({ namespace, pod, workload }),
    `${explainStep({ namespace, kind: "pod", name: pod })}  # if the cause is another one, names it with its next command`,
  ]);
}
