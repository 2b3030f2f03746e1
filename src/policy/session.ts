// The name, external id, duration and tags of a session: what CloudTrail shows of a pod.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { createHash } from "node:crypto";
import type { Refusal } from "../protocol/errors.ts";
import { ANNOTATIONS, quoted } from "./annotations.ts";
import type { PodFacts, PolicySettings } from "./decide.ts";

/** Longest RoleSessionName; the shortest is 2. */
const LONGEST_NAME = 64;
const NAME = /^[\w+=,.@-]{2,64}$/;
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

/** kiam: prefix, then 63 bytes of what is longer than 64, then every character that STS does not take becomes "-". */
export function kiamSessionName(name: string): string {
  const bytes = Buffer.from(`kiam-${name}`, "utf8");
  const kept = bytes.length > LONGEST_NAME ? bytes.subarray(0, LONGEST_NAME - 1) : bytes;
  // "latin1" keeps one character a byte, as Go's byte slice does; none of the others survives the replacement.
  return kept.toString("latin1").replaceAll(/[^\w+=,.@-]/g, "-");
}

const PLACEHOLDER = /\{(\w+)\}/g;
const PLACEHOLDERS = ["namespace", "pod", "serviceAccount", "uid", "cluster"] as const;

/** Why a template cannot be used, undefined when it can: checked at start, not at the first pod. */
export function refuseTemplate(template: string): string | undefined {
  const unknown = [...template.matchAll(PLACEHOLDER)]
    .map(([, name = ""]) => name)
    .filter((name) => !isPlaceholder(name));
  if (unknown.length > 0) return `{${unknown[0]}} is not one of ${PLACEHOLDERS.map((name) => `{${name}}`).join(" ")}`;
  return undefined;
}

function isPlaceholder(name: string): name is (typeof PLACEHOLDERS)[number] {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}

/** A filled template, made to fit: too long names keep their start and end in a hash, so that they stay different. */
function templateName(template: string, pod: PodFacts, cluster: string | undefined): string {
  const values = { namespace: pod.namespace, pod: pod.name, serviceAccount: pod.serviceAccount, uid: pod.uid, cluster };
  const filled = template.replaceAll(PLACEHOLDER, (_whole, name: string) =>
    isPlaceholder(name) ? (values[name] ?? "") : "",
  );
  const clean = filled.replaceAll(/[^\w+=,.@-]/g, "-").padEnd(2, "-");
  if (clean.length <= LONGEST_NAME) return clean;
  const hash = createHash("sha256").update(clean).digest("hex").slice(0, 8);
  return `${clean.slice(0, LONGEST_NAME - 1 - hash.length)}-${hash}`;
}

/** The session name: the pod's annotation, or as the server is set. */
export function sessionName(pod: PodFacts, { sessionName: rule, clusterName }: PolicySettings): string | Refusal {
  const annotated = pod.annotations[ANNOTATIONS.sessionName];
  if (rule.kind === "kiam") return kiamSessionName(annotated ?? rule.session);
  if (annotated === undefined) return templateName(rule.template, pod, clusterName);
  return NAME.test(annotated)
    ? annotated
    : invalid(ANNOTATIONS.sessionName, annotated, "2 to 64 of A-Z a-z 0-9 _ + = , . @ -");
}

export function externalId(pod: PodFacts): string | undefined | Refusal {
  const annotated = pod.annotations[ANNOTATIONS.externalId];
  if (annotated === undefined || EXTERNAL_ID.test(annotated)) return annotated;
  // An external id is half a secret: its value is not repeated.
  return {
    code: "ANNOTATION_INVALID",
    message: `Cannot use ${ANNOTATIONS.externalId}: wanted 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -`,
  };
}

const SHORTEST_SESSION_MS = 900_000;

/** Whole seconds. A pod may ask for less than the server's setting, never for more. */
export function durationSeconds(pod: PodFacts, { sessionDurationMs }: PolicySettings): number | Refusal {
  const annotated = pod.annotations[ANNOTATIONS.sessionDuration];
  if (annotated === undefined) return Math.floor(sessionDurationMs / 1000);
  const [, amount, unit] = /^(\d{1,6})(s|m|h)$/.exec(annotated) ?? [];
  const wanted = Number(amount) * (unit === "h" ? 3_600_000 : unit === "m" ? 60_000 : 1000);
  if (wanted >= SHORTEST_SESSION_MS && wanted <= sessionDurationMs) return wanted / 1000;
  return invalid(
    ANNOTATIONS.sessionDuration,
    annotated,
    `a duration from 15m to ${sessionDurationMs / 60_000}m such as "30m"`,
  );
}

const POLICY_ARN = /^arn:aws(?:-cn|-us-gov|-eusc|-iso(?:-[a-z])?)?:iam::(?:aws|\d{12}):policy\/[\w+=,.@/-]{1,576}$/;

/** Managed policies that narrow the session: a session has what role and policies both allow. */
export function sessionPolicyArns(pod: PodFacts): readonly string[] | undefined | Refusal {
  const annotated = pod.annotations[ANNOTATIONS.sessionPolicyArns];
  if (annotated === undefined) return undefined;
  const arns = annotated.split(",").map((arn) => arn.trim());
  const isUsable = arns.length <= 10 && arns.every((arn) => POLICY_ARN.test(arn));
  return isUsable
    ? arns
    : invalid(ANNOTATIONS.sessionPolicyArns, annotated, "up to 10 ARNs of managed policies, separated by commas");
}

/** EKS Pod Identity's keys, so that policies written for it go on working. Names of Kubernetes fit STS's limits. */
export function sessionTags(pod: PodFacts, { sessionTags: wanted, clusterName }: PolicySettings) {
  if (!wanted) return undefined;
  const tags = {
    "eks-cluster-name": clusterName,
    "kubernetes-namespace": pod.namespace,
    "kubernetes-service-account": pod.serviceAccount,
    "kubernetes-pod-name": pod.name,
    "kubernetes-pod-uid": pod.uid,
  };
  return Object.entries(tags).flatMap(([key, value]) => (value ? [{ key, value: value.slice(0, 256) }] : []));
}

/** Names the pod's service account whatever session follows: it stays through role chaining. */
export function sourceIdentity(pod: PodFacts, { sourceIdentity: wanted }: PolicySettings): string | undefined {
  return wanted ? templateName("{namespace}.{serviceAccount}", pod, undefined) : undefined;
}

function invalid(annotation: string, value: string, wanted: string): Refusal {
  return { code: "ANNOTATION_INVALID", message: `Cannot use ${annotation} ${quoted(value)}: wanted ${wanted}` };
}
