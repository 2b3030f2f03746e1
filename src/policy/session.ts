// External id, duration and tags of a session, within STS's limits.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import type { Refusal } from "../protocol/errors.ts";
import { duration } from "../runtime/settings.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import type { PodFacts, PolicySettings, SessionTag } from "./model.ts";

const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

/** The pod's external id; an empty annotation counts as none, as in kiam. */
export function externalId(pod: PodFacts): string | undefined | Refusal {
  const annotated = valueOf(pod.annotations, ANNOTATIONS.externalId) || undefined;
  if (annotated === undefined || EXTERNAL_ID.test(annotated)) return annotated;
  // An external id is half a secret: its value is not repeated.
  return {
    code: "ANNOTATION_INVALID",
    message: `Cannot use ${ANNOTATIONS.externalId} of ${annotated.length} characters: wanted 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -`,
  };
}

/** STS accepts no shorter session. */
export const SHORTEST_SESSION_MS = 900_000;
/** STS gives no longer one to a role that was assumed by a role (role chaining). */
export const LONGEST_CHAINED_SESSION_MS = 3_600_000;

/**
 * Lifetime of the session in whole seconds: the pod's annotation if it is between 15 minutes and the maximum, otherwise
 * --session-duration; either is shortened to `sessionCapMs`. ANNOTATION_INVALID for any other annotation.
 */
export function durationSeconds(pod: PodFacts, settings: PolicySettings): number | Refusal {
  const annotated = valueOf(pod.annotations, ANNOTATIONS.sessionDuration);
  const seconds = (ms: number) => Math.floor(Math.min(ms, settings.sessionCapMs ?? ms) / 1000);
  if (annotated === undefined) return seconds(settings.sessionDurationMs);
  const longest = settings.maxSessionDurationMs ?? settings.sessionDurationMs;
  const requested = annotated.length <= 32 ? duration.parse(annotated) : undefined;
  if (requested !== undefined && requested >= SHORTEST_SESSION_MS && requested <= longest) return seconds(requested);
  return {
    code: "ANNOTATION_INVALID",
    message: `Cannot use ${ANNOTATIONS.sessionDuration} ${quoted(annotated)}: it is out of range or not a duration; expected 15m to ${longest / 60_000}m, such as "30m"`,
  };
}

/** Tag keys of podrole's own. EKS Pod Identity's where they say the same; a cluster name is not always EKS's. */
export const OWN_TAG_KEYS = [
  "eks-cluster-arn",
  "eks-cluster-name",
  "kubernetes-namespace",
  "kubernetes-service-account",
  "kubernetes-pod-name",
  "kubernetes-pod-uid",
] as const;

export const MOST_TAGS = 50;
export const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

/**
 * The session's tags: podrole's own by `sessionTags`, and the labels that the server's setting chose, where the pod has
 * them. ANNOTATION_INVALID for a value that STS does not take (no name or label of Kubernetes is one). How large they
 * are together once packed, STS alone can tell: it answers with a percentage, and refuses above 100.
 */
export function sessionTags(pod: PodFacts, settings: PolicySettings): readonly SessionTag[] | undefined | Refusal {
  const { clusterArn, clusterName, sessionTagLabels = [] } = settings;
  const { namespace, serviceAccount, name, uid } = pod;
  const own = settings.sessionTags ? [clusterArn, clusterName, namespace, serviceAccount, name, uid] : [];
  const tags = [
    ...own.map((value, index) => ({ key: OWN_TAG_KEYS[index] as string, value: value || undefined })),
    ...sessionTagLabels.map((key) => ({ key, value: valueOf(pod.labels, key) })),
  ].filter((tag): tag is SessionTag => tag.value !== undefined);
  const bad = tags.find(({ key, value }) => !TAG_KEY.test(key) || !TAG_VALUE.test(value));
  if (bad)
    return invalidTags(
      `${quoted(bad.key)} ${quoted(bad.value)}: STS does not take it, wanted a key of 1 to 128 and a value of at most 256 letters, numbers, spaces and _ . : / = + - @`,
    );
  if (tags.length > MOST_TAGS) return invalidTags(`of this pod: there are ${tags.length}, wanted at most ${MOST_TAGS}`);
  return tags.length > 0 ? tags : undefined;
}

function invalidTags(rest: string): Refusal {
  return { code: "ANNOTATION_INVALID", message: `Cannot use session tag ${rest}` };
}
