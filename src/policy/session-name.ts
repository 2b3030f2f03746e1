// The name of a session and its source identity, which CloudTrail shows for a pod. Every result satisfies STS
// (RoleSessionName, SourceIdentity: 2 to 64 of A-Z a-z 0-9 _ + = , . @ -).
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { sha256Hex } from "#platform";
import { type Refusal, refuse } from "../protocol/errors.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import type { PodFacts, PolicySettings } from "./model.ts";
import { NAME_CHARACTERS } from "./role.ts";

const MAX_SESSION_NAME_LENGTH = 64;
const VALID_SESSION_NAME = new RegExp(`^[${NAME_CHARACTERS}]{2,64}$`);
const NOT_IN_NAMES = new RegExp(`[^${NAME_CHARACTERS}]`, "gu");

const PLACEHOLDER = /\{(\w*)\}/g;
const PLACEHOLDERS = ["namespace", "pod", "serviceAccount", "uid", "cluster"] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

/**
 * Returns why a template cannot be used, undefined if it can. Called at start, so that the problem does not wait for
 * the first pod.
 */
export function findTemplateProblem(template: string, clusterName?: string): string | undefined {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = ""]) => name);
  const unknown = names.find((name) => !(PLACEHOLDERS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    return `{${unknown}} is not one of ${PLACEHOLDERS.map((name) => `{${name}}`).join(" ")}`;
  }
  if (names.includes("cluster") && !clusterName) return "{cluster} requires --cluster-name";
  const literal = template.replaceAll(PLACEHOLDER, "");
  if (literal.search(NOT_IN_NAMES) >= 0)
    return `${quoted(literal)} has characters other than A-Z a-z 0-9 _ + = , . @ -`;
  return template === "" ? "it is empty" : undefined;
}

/** Returns the session name that the pod's author chose; an empty annotation counts as absent, as in kiam. */
function annotatedSessionName({ annotations }: PodFacts): string | undefined {
  return valueOf(annotations, ANNOTATIONS.sessionName) || undefined;
}

/**
 * Returns the session name: the pod's annotation, otherwise the server's rule. A pod's author can choose any name, even
 * that of another pod: the session tags, the source identity, podrole's audit record and the access key, which belongs
 * to this pod alone, identify the pod reliably.
 */
export function sessionName(pod: PodFacts, { sessionName: rule, clusterName }: PolicySettings): string | Refusal {
  const annotated = annotatedSessionName(pod);
  if (rule.kind === "kiam") return kiamSessionName(annotated ?? rule.session);
  if (annotated === undefined) return fillTemplate(rule.template, pod, clusterName);
  if (VALID_SESSION_NAME.test(annotated)) return annotated;
  return refuse(
    "ANNOTATION_INVALID",
    `Cannot use ${ANNOTATIONS.sessionName} ${quoted(annotated)}; expected 2 to 64 of A-Z a-z 0-9 _ + = , . @ -`,
  );
}

/**
 * Reports whether the name is meant for one pod: the pod's author chose it, or the template contains the pod's name.
 * Pods of two namespaces can then still have the same name, for example by the template {pod}, but must not share a
 * session.
 */
export function namesOnePod(pod: PodFacts, { sessionName: rule }: PolicySettings): boolean {
  return annotatedSessionName(pod) !== undefined || (rule.kind === "template" && rule.template.includes("{pod}"));
}

/**
 * Returns the source identity, which names the pod's ServiceAccount in every session that follows: it persists through
 * role chaining. No annotation changes it.
 */
export function sourceIdentity(pod: PodFacts, { sourceIdentity: isEnabled }: PolicySettings): string | undefined {
  return isEnabled ? fillTemplate("{namespace}.{serviceAccount}", pod, undefined) : undefined;
}

/** Fills a template. Parts that Kubernetes does not know yet (a name, a uid at admission) stay empty. */
function fillTemplate(template: string, pod: PodFacts, cluster: string | undefined): string {
  const { namespace, name, serviceAccount, uid } = pod;
  const values: Readonly<Record<Placeholder, string | undefined>> = {
    namespace,
    pod: name,
    serviceAccount,
    uid,
    cluster,
  };
  return fitLength(template.replaceAll(PLACEHOLDER, (_whole, key: string) => values[key as Placeholder] ?? ""));
}

/**
 * Hexadecimal digits of SHA-256: 48 bits, so that a million pods with one prefix collide with a probability of 0.2 %.
 */
const HASH_DIGITS = 12;

/**
 * Makes a text a valid session name. Bad characters become "-". A text of 64 or more characters keeps its start and
 * gets a hash of the whole: every result of 64 characters ends in a hash, so that no other pod's full name can equal
 * one.
 */
function fitLength(text: string): string {
  const clean = text.replaceAll(NOT_IN_NAMES, "-").padEnd(2, "-");
  if (clean.length < MAX_SESSION_NAME_LENGTH) return clean;
  const hash = sha256Hex(text).slice(0, HASH_DIGITS);
  return `${clean.slice(0, MAX_SESSION_NAME_LENGTH - 1 - HASH_DIGITS)}-${hash}`;
}

/**
 * Returns exactly kiam's name (pkg/aws/sts/cache.go): "kiam-" first; the first 63 bytes of UTF-8 if there are more than
 * 64; then "-" for each character that STS does not accept, and for each byte of a truncated character.
 */
export function kiamSessionName(name: string): string {
  const whole = `kiam-${name}`;
  const kept = byteLength(whole) > MAX_SESSION_NAME_LENGTH ? firstBytes(whole, MAX_SESSION_NAME_LENGTH - 1) : whole;
  return kept.replaceAll(NOT_IN_NAMES, "-");
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Returns the first `limit` bytes of UTF-8, with "-" for each byte of a character that does not fit. */
function firstBytes(text: string, limit: number): string {
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    const size = byteLength(character);
    if (bytes + size > limit) return kept + "-".repeat(limit - bytes);
    kept += character;
    bytes += size;
  }
  return kept;
}
