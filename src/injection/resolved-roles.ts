// Annotation podrole.io/resolved: which role each served container got at admission, for whoever may read the pod and
// not podrole's settings. It is information, and no decision of any program follows from it: whoever may update the pod
// can change it.
import type { Pod } from "../kubernetes/objects.ts";
import { MAX_ANNOTATION_BYTES, MAX_ANNOTATION_LENGTH, RESOLVED_ANNOTATION, valueOf } from "../policy/annotations.ts";
import type { RoleDecision } from "../policy/decide.ts";
import { podFacts } from "../policy/facts.ts";
import { pinnedRoles } from "../policy/pin.ts";
import { canonicalJson } from "../runtime/canonical-json.ts";
import { isObject, parseJson } from "../runtime/json-object.ts";
import { roleText } from "./roles.ts";

/** Container → ARN of its role, or the role's name if only the server can resolve it. */
export type ResolvedRoles = Readonly<Record<string, string>>;

/** In bytes. 128 containers with ARNs of 100 characters fit. */
const MAX_RESOLVED_BYTES = MAX_ANNOTATION_LENGTH;

/**
 * Returns the pod with the annotation. Containers for which there is no room in it are left out, in reverse order, so
 * that the API server accepts the pod as it accepts the pod's author's own; with no room for the name, the pod itself.
 */
export function annotateResolvedRoles(pod: Pod, roles: readonly RoleDecision[]): Pod {
  const { annotations = {} } = pod.metadata;
  const { [RESOLVED_ANNOTATION]: present, ...others } = annotations;
  const used = Object.entries(others).reduce((sum, [name, value]) => sum + bytesOf(name) + bytesOf(value), 0);
  const room = Math.min(MAX_RESOLVED_BYTES, MAX_ANNOTATION_BYTES - used - bytesOf(RESOLVED_ANNOTATION));
  const text = resolvedText(roles, room);
  if (present === undefined && bytesOf(text) > room) return pod;
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...annotations, [RESOLVED_ANNOTATION]: text } } };
}

/** The annotation's value; undefined if the pod has none, "foreign" for a text that podrole does not write. */
export function readResolvedRoles({ metadata }: Pick<Pod, "metadata">): ResolvedRoles | "foreign" | undefined {
  const text = valueOf(metadata.annotations ?? {}, RESOLVED_ANNOTATION);
  if (text === undefined) return undefined;
  const value = text.length > MAX_RESOLVED_BYTES ? undefined : parseJson(text);
  return isRoleMap(value) && canonicalJson(value) === text ? value : "foreign";
}

/**
 * Returns the role that each container got at admission, and what says so: the pin, or else the annotation. Undefined
 * if neither does. The pod's author may have written both.
 */
export function readAdmittedRoles(
  pod: Pod,
): { readonly roles: ResolvedRoles; readonly from: "pin" | "annotation" } | undefined {
  const pinned = pinnedRoles(podFacts(pod, ""));
  if (pinned) return { roles: pinned, from: "pin" };
  const resolved = readResolvedRoles(pod);
  return typeof resolved === "object" ? { roles: resolved, from: "annotation" } : undefined;
}

function isRoleMap(value: unknown): value is ResolvedRoles {
  return isObject(value) && Object.values(value).every((role) => typeof role === "string");
}

/** As many of the roles as have room, from the first one on: nearly always all of them. */
function resolvedText(roles: readonly RoleDecision[], room: number): string {
  const all = canonicalJson(Object.fromEntries(roles.map((decision) => [decision.container, roleText(decision)])));
  if (bytesOf(all) <= room) return all;
  const shown: [string, string][] = [];
  let used = bytesOf("{}");
  for (const decision of roles) {
    const entry: [string, string] = [decision.container, roleText(decision)];
    used += bytesOf(canonicalJson(Object.fromEntries([entry]))) - 1;
    if (used > room) break;
    shown.push(entry);
  }
  return canonicalJson(Object.fromEntries(shown));
}

const encoder = new TextEncoder();

/** Without Buffer, which browsers do not have. */
function bytesOf(text: string): number {
  return encoder.encode(text).length;
}
