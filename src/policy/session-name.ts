// The name of a session, and its source identity: what CloudTrail shows of a pod. Every name that comes out satisfies
// STS (RoleSessionName, SourceIdentity: 2 to 64 of A-Z a-z 0-9 _ + = , . @ -).
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { createHash } from "node:crypto";
import type { Refusal } from "../protocol/errors.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import type { PodFacts, PolicySettings } from "./model.ts";

const LONGEST_NAME = 64;
const NAME = /^[\w+=,.@-]{2,64}$/;
const NOT_IN_NAMES = /[^\w+=,.@-]/gu;

const PLACEHOLDER = /\{(\w*)\}/g;
const PLACEHOLDERS = ["namespace", "pod", "serviceAccount", "uid", "cluster"] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

/** Why a template cannot be used, undefined when it can: asked at start, not at the first pod. */
export function refuseTemplate(template: string, clusterName?: string): string | undefined {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = ""]) => name);
  const unknown = names.find((name) => !(PLACEHOLDERS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    return `{${unknown}} is not one of ${PLACEHOLDERS.map((name) => `{${name}}`).join(" ")}`;
  }
  if (names.includes("cluster") && !clusterName) return "{cluster} needs --cluster-name";
  const literal = template.replaceAll(PLACEHOLDER, "");
  if (!/^[\w+=,.@-]*$/.test(literal)) return `${quoted(literal)} has characters other than A-Z a-z 0-9 _ + = , . @ -`;
  return template === "" ? "it is empty" : undefined;
}

/**
 * The session name: the pod's annotation, or as the server is set. An empty annotation counts as none, as in kiam.
 * A pod's author may choose any name, another pod's too: who it was for good is in the session tags, the source
 * identity and podrole's audit record.
 */
export function sessionName(pod: PodFacts, { sessionName: rule, clusterName }: PolicySettings): string | Refusal {
  const annotated = valueOf(pod.annotations, ANNOTATIONS.sessionName) || undefined;
  if (rule.kind === "kiam") return kiamSessionName(annotated ?? rule.session);
  if (annotated === undefined) return fill(rule.template, pod, clusterName);
  if (NAME.test(annotated)) return annotated;
  return {
    code: "ANNOTATION_INVALID",
    message: `Cannot use ${ANNOTATIONS.sessionName} ${quoted(annotated)}: wanted 2 to 64 of A-Z a-z 0-9 _ + = , . @ -`,
  };
}

/** Names the pod's service account whatever session follows: it stays through role chaining. No annotation changes it. */
export function sourceIdentity(pod: PodFacts, { sourceIdentity: wanted }: PolicySettings): string | undefined {
  return wanted ? fill("{namespace}.{serviceAccount}", pod, undefined) : undefined;
}

/** A filled template. What Kubernetes does not know yet (a name, a uid at admission) is left empty. */
function fill(template: string, pod: PodFacts, cluster: string | undefined): string {
  const { namespace, name, serviceAccount, uid } = pod;
  const values: Readonly<Record<Placeholder, string | undefined>> = {
    namespace,
    pod: name,
    serviceAccount,
    uid,
    cluster,
  };
  return fit(template.replaceAll(PLACEHOLDER, (_whole, key: string) => values[key as Placeholder] ?? ""));
}

/** Hexadecimal digits of SHA-256: 48 bits, so that a million pods of one prefix collide with a chance of 0.2 %. */
const HASH_DIGITS = 12;

/**
 * Makes a text a session name. Bad characters become "-". A text of 64 or more keeps its start and gets a hash of the
 * whole: all results of 64 characters are hashed ones, so that no other pod's full name can be equal to one.
 */
function fit(text: string): string {
  const clean = text.replaceAll(NOT_IN_NAMES, "-").padEnd(2, "-");
  if (clean.length < LONGEST_NAME) return clean;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, HASH_DIGITS);
  return `${clean.slice(0, LONGEST_NAME - 1 - HASH_DIGITS)}-${hash}`;
}

/**
 * kiam's name to the letter (pkg/aws/sts/cache.go): "kiam-" first; of more than 64 bytes of UTF-8 the first 63; then
 * "-" for each character that STS does not take, and for each byte of a character that was cut through.
 */
export function kiamSessionName(name: string): string {
  const whole = `kiam-${name}`;
  const kept = byteLength(whole) > LONGEST_NAME ? firstBytes(whole, LONGEST_NAME - 1) : whole;
  return kept.replaceAll(NOT_IN_NAMES, "-");
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The first `limit` bytes of UTF-8, "-" for each byte of a character that does not fit. */
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
