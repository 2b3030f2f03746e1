// Problems of the policy settings, all reported at start and not at the first pod.
import { isRefusal } from "../protocol/errors.ts";
import type { PolicySettings } from "./model.ts";
import { ANY_BASE_ARN, resolveRole } from "./role.ts";
import { MAX_CHAINED_SESSION_MS, MAX_TAGS, MIN_SESSION_MS, OWN_TAG_KEYS, TAG_KEY, TAG_VALUE } from "./session.ts";
import { findTemplateProblem } from "./session-name.ts";

/** In milliseconds. STS issues no longer session. */
const MAX_SESSION_MS = 43_200_000;

/** Returns one text per problem, each beginning with the setting's flag; empty if there is none. */
export function findPolicyProblems(settings: PolicySettings): readonly string[] {
  return [
    ...findDurationProblems(settings),
    ...findSessionNameProblems(settings),
    ...findDefaultRoleProblems(settings),
    ...findTagProblems(settings),
    ...findHopProblems(settings),
  ];
}

function findDurationProblems({ sessionDurationMs, maxSessionDurationMs }: PolicySettings): string[] {
  const problems: string[] = [];
  const isDuration = (ms: number) => ms >= MIN_SESSION_MS && ms <= MAX_SESSION_MS;
  if (!isDuration(sessionDurationMs)) problems.push("--session-duration: STS issues sessions of 15m to 12h");
  if (maxSessionDurationMs === undefined) return problems;
  if (!isDuration(maxSessionDurationMs)) problems.push("--max-session-duration: STS issues sessions of 15m to 12h");
  if (maxSessionDurationMs < sessionDurationMs) problems.push("--max-session-duration: it is below --session-duration");
  return problems;
}

function findSessionNameProblems({ sessionName, clusterName }: PolicySettings): string[] {
  if (sessionName.kind === "kiam") return [];
  const problem = findTemplateProblem(sessionName.template, clusterName);
  return problem === undefined ? [] : [`--session-name: ${problem}`];
}

/** Without a base ARN a short name cannot be checked yet: the server may still detect one. */
function findDefaultRoleProblems({ defaultRole, baseArn }: PolicySettings): string[] {
  if (defaultRole === undefined) return [];
  const role = resolveRole(defaultRole, baseArn ?? ANY_BASE_ARN, "--default-role");
  return isRefusal(role) ? [role.message] : [];
}

function findTagProblems({
  sessionTagLabels = [],
  sessionTags,
  transitiveTags,
  clusterName,
  clusterArn,
}: PolicySettings): string[] {
  const problems: string[] = [];
  // STS treats keys that differ only in case as the same.
  const seen = new Set<string>(OWN_TAG_KEYS);
  for (const label of sessionTagLabels) {
    if (!TAG_KEY.test(label)) problems.push(`--session-tag-labels: "${label}" cannot be the key of a session tag`);
    if (seen.has(label.toLowerCase()))
      problems.push(`--session-tag-labels: "${label}" is a duplicate or the key of one of podrole's own tags`);
    seen.add(label.toLowerCase());
  }
  const own = clusterArn === undefined ? OWN_TAG_KEYS.length - 1 : OWN_TAG_KEYS.length;
  const count = sessionTagLabels.length + (sessionTags ? own : 0);
  if (count > MAX_TAGS)
    problems.push(`--session-tag-labels: with them a session has ${count} tags; expected at most ${MAX_TAGS}`);
  if (transitiveTags && count === 0) {
    problems.push("--session-tags-transitive: expected --session-tags or --session-tag-labels as well");
  }
  if (clusterArn !== undefined && !/^arn:[a-z-]+:eks:[a-z0-9-]+:\d{12}:cluster\/[\w-]{1,100}$/.test(clusterArn)) {
    problems.push(
      `--cluster-arn: "${clusterArn}" is not the ARN of an EKS cluster; expected one such as "arn:aws:eks:eu-central-1:123456789012:cluster/prod"`,
    );
  }
  if (sessionTags && clusterName !== undefined && !TAG_VALUE.test(clusterName)) {
    problems.push(`--cluster-name: "${clusterName}" cannot be the value of a session tag`);
  }
  return problems;
}

function findHopProblems({ firstHops = {}, sessionDurationMs }: PolicySettings): string[] {
  if (Object.keys(firstHops).length === 0 || sessionDurationMs <= MAX_CHAINED_SESSION_MS) return [];
  return ["--session-duration: roles with a first hop get at most 1h (role chaining)"];
}
