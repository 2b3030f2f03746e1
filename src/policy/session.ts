// External ID, duration and tags of a session, within STS's limits.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { type Refusal, refuse } from "../protocol/errors.ts";
import { duration } from "../runtime/settings.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import type { PodFacts, PolicySettings, SessionTag } from "./model.ts";

const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

/** Returns the pod's external ID; an empty annotation counts as absent, as in kiam. */
export function externalId(pod: PodFacts): string | undefined | Refusal {
  const annotated = valueOf(pod.annotations, ANNOTATIONS.externalId) || undefined;
  if (annotated === undefined || EXTERNAL_ID.test(annotated)) return annotated;
  // An external ID is confidential, so the message does not repeat it.
  return refuse(
    "ANNOTATION_INVALID",
    `Cannot use ${ANNOTATIONS.externalId} of ${annotated.length} characters; expected 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -`,
  );
}

/** In milliseconds. STS accepts no shorter session. */
export const MIN_SESSION_MS = 900_000;
/** In milliseconds. STS accepts no longer one if a role was assumed by a role (role chaining). */
export const MAX_CHAINED_SESSION_MS = 3_600_000;

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
  if (requested !== undefined && requested >= MIN_SESSION_MS && requested <= longest) return seconds(requested);
  return refuse(
    "ANNOTATION_INVALID",
    `Cannot use ${ANNOTATIONS.sessionDuration} ${quoted(annotated)}: it is out of range or not a duration; expected 15m to ${longest / 60_000}m, such as "30m"`,
  );
}

/**
 * Keys of podrole's own tags: those of EKS Pod Identity where the meaning is the same; the cluster's name may not be
 * one of EKS.
 */
export const OWN_TAG_KEYS = [
  "eks-cluster-arn",
  "eks-cluster-name",
  "kubernetes-namespace",
  "kubernetes-service-account",
  "kubernetes-pod-name",
  "kubernetes-pod-uid",
] as const;

/** STS accepts at most 50 session tags. */
export const MAX_TAGS = 50;
/** What STS accepts as the key of a session tag. */
export const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
/** What STS accepts as the value of a session tag. */
export const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

/**
 * Returns the session's tags: podrole's own if `sessionTags` is set, and the labels that the server's setting selects,
 * if the pod has them. ANNOTATION_INVALID for a value that STS does not accept (every name and label of Kubernetes is
 * accepted). Only STS can tell how large they are once packed: it reports a percentage, and refuses above 100.
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
      `${quoted(bad.key)} ${quoted(bad.value)}: STS does not accept it; expected a key of 1 to 128 and a value of at most 256 letters, numbers, spaces and _ . : / = + - @`,
    );
  if (tags.length > MAX_TAGS) return invalidTags(`of this pod: there are ${tags.length}; expected at most ${MAX_TAGS}`);
  return tags.length > 0 ? tags : undefined;
}

function invalidTags(rest: string): Refusal {
  return refuse("ANNOTATION_INVALID", `Cannot use session tag ${rest}`);
}
