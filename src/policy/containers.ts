// Which containers of a pod participate, and where each one's role is named. A name that no container has is refused:
// otherwise it would show as a missing role weeks later.
import { type Refusal, refuse } from "../protocol/errors.ts";
import {
  ANNOTATIONS,
  isPodAnnotation,
  MAX_ANNOTATION_LENGTH,
  MAX_ANNOTATIONS_LENGTH,
  quoted,
  valueOf,
} from "./annotations.ts";
import type { InheritedAnnotations, PodFacts, PolicySettings, RoleOrigin } from "./model.ts";

/**
 * How many containers of one pod may have a role, and how many one request may name: more than any node can run in one
 * pod.
 */
export const MAX_CONTAINERS_WITH_ROLE = 128;

/**
 * Containers and init containers of one pod, without podrole's own: far more than a node can run. The webhook admits no
 * pod with more, because injection adds 600 bytes to each container, and the work of a decision, which blocks the
 * webhook meanwhile, grows with the number of containers. The server keeps the names of each injected pod's containers,
 * and gives no credentials to a pod that has more of them.
 */
export const MAX_CONTAINERS = 1_000;

/**
 * Returns the names in podrole.io/containers, without the empty ones and each once; undefined if the pod has no such
 * annotation. Empty if it is longer than an annotation may be: participantsOf() refuses it.
 */
export function listedContainers(annotations: Readonly<Record<string, string>>): ReadonlySet<string> | undefined {
  const list = valueOf(annotations, ANNOTATIONS.containers);
  if (list === undefined) return undefined;
  if (list.length > MAX_ANNOTATION_LENGTH) return new Set();
  return new Set(list.split(",").flatMap((name) => name.trim() || []));
}

/** Containers of service meshes that redirect traffic, or that check that the mesh's CNI plugin did so. */
export const MESH_NETWORK_CONTAINERS: ReadonlySet<string> = new Set([
  "istio-init",
  "istio-validation",
  "linkerd-init",
  "linkerd-network-validator",
]);
/** Proxies of service meshes. */
export const MESH_PROXIES: ReadonlySet<string> = new Set(["istio-proxy", "linkerd-proxy"]);

/**
 * Returns a function that is false for the names of a mesh's own containers, which work beside the app and not for it,
 * unless an annotation names them. The annotation is read once, because a pod may have many containers.
 */
export function participationIn(annotations: Readonly<Record<string, string>>): (name: string) => boolean {
  const listed = listedContainers(annotations);
  return (name) =>
    (!MESH_NETWORK_CONTAINERS.has(name) && !MESH_PROXIES.has(name)) ||
    valueOf(annotations, ANNOTATIONS.roleOfContainer + name) !== undefined ||
    listed?.has(name) === true;
}

/**
 * Returns the participating containers: those that podrole.io/containers names, all but a mesh's if it is absent, none
 * if it is empty. CONTAINER_UNKNOWN if it, or an `iam.amazonaws.com/role.<container>`, names a container that the pod
 * does not have, or if a container that is left out has a role of its own. ANNOTATION_INVALID if an annotation of
 * podrole's is longer than MAX_ANNOTATION_LENGTH, or all of them together than MAX_ANNOTATIONS_LENGTH. The work is
 * proportional to the lengths of the annotations and of the list of containers.
 */
export function participantsOf({ annotations, containers }: PodFacts): readonly string[] | Refusal {
  const oversized = Object.keys(annotations).find((name) => isPodAnnotation(name) && isOversized(annotations[name]));
  if (oversized !== undefined) return oversizedAnnotation(oversized);
  const total = Object.entries(annotations).reduce((sum, [name, value]) => sum + annotationLength(name, value), 0);
  if (total > MAX_ANNOTATIONS_LENGTH) return oversizedAnnotations();
  const present = new Set(containers);
  const listed = listedContainers(annotations);
  const unknown = listed && [...listed].find((name) => !present.has(name));
  if (unknown !== undefined) {
    return unknownContainer(
      `${ANNOTATIONS.containers} ${quoted(valueOf(annotations, ANNOTATIONS.containers) ?? "")}`,
      `the pod has no container ${quoted(unknown)}`,
      containers,
    );
  }
  const participates = participationIn(annotations);
  const participants = containers.filter((name) => (listed === undefined ? participates(name) : listed.has(name)));
  const participating = new Set(participants);
  for (const key of Object.keys(annotations)) {
    if (!key.startsWith(ANNOTATIONS.roleOfContainer)) continue;
    const name = key.slice(ANNOTATIONS.roleOfContainer.length);
    if (participating.has(name)) continue;
    const state = present.has(name)
      ? `${ANNOTATIONS.containers} leaves container ${quoted(name)} out`
      : `the pod has no container ${quoted(name)}`;
    return unknownContainer(`annotation ${quoted(key)}`, state, participants);
  }
  return participants;
}

function isOversized(value: string | undefined): boolean {
  return value !== undefined && value.length > MAX_ANNOTATION_LENGTH;
}

function annotationLength(name: string, value: string): number {
  return isPodAnnotation(name) ? name.length + value.length : 0;
}

function oversizedAnnotation(name: string): Refusal {
  const state = `it has more than ${MAX_ANNOTATION_LENGTH} characters; expected at most that many`;
  return refuse("ANNOTATION_INVALID", `Cannot use ${quoted(name)}: ${state}`);
}

function oversizedAnnotations(): Refusal {
  const state = `they have more than ${MAX_ANNOTATIONS_LENGTH} characters; expected at most that many`;
  return refuse("ANNOTATION_INVALID", `Cannot use the annotations of the pod that podrole reads: ${state}`);
}

/**
 * Returns ANNOTATION_INVALID if more containers of a pod have a role than the server serves; `count`: how many have.
 */
export function refuseTooMany(count: number): Refusal | undefined {
  if (count <= MAX_CONTAINERS_WITH_ROLE) return undefined;
  const expected = `expected at most ${MAX_CONTAINERS_WITH_ROLE}; ${ANNOTATIONS.containers} limits them`;
  return refuse("ANNOTATION_INVALID", `Cannot give roles to the pod: ${count} of its containers have one; ${expected}`);
}

function unknownContainer(what: string, state: string, containers: readonly string[]): Refusal {
  const names = containers.slice(0, 10).map(quoted).join(", ");
  const expected =
    containers.length === 0 ? "no container" : `${containers.length > 10 ? "one such as" : "one of"} ${names}`;
  return refuse("CONTAINER_UNKNOWN", `Cannot use ${what}: ${state}; expected ${expected}`);
}

/** A role as it is named, before it is resolved. */
export interface NamedRole {
  readonly text: string;
  readonly origin: RoleOrigin;
  /** The annotation or setting, for messages. */
  readonly place: string;
}

/**
 * Finds where the container's role is named: its own annotation, the pod, the ServiceAccount, the namespace,
 * --default-role, in this order. The first place with any value counts, even if the value cannot be used: an empty or
 * mistyped annotation must not silently become another role. Undefined if none names a role.
 */
export function roleNamedFor(
  container: string,
  pod: PodFacts,
  { serviceAccountAnnotations, namespaceAnnotations }: InheritedAnnotations,
  { defaultRole }: PolicySettings,
): NamedRole | undefined {
  const { role, roleOfContainer, defaultRole: ofNamespace } = ANNOTATIONS;
  const own = valueOf(pod.annotations, `${roleOfContainer}${container}`);
  if (own !== undefined) return { text: own, origin: "container", place: `${roleOfContainer}${container}` };
  const ofPod = valueOf(pod.annotations, role);
  if (ofPod !== undefined) return { text: ofPod, origin: "pod", place: role };
  const ofAccount = valueOf(serviceAccountAnnotations, role);
  if (ofAccount !== undefined)
    return { text: ofAccount, origin: "serviceAccount", place: `the ServiceAccount's ${role}` };
  const ofSpace = valueOf(namespaceAnnotations, ofNamespace);
  if (ofSpace !== undefined) return { text: ofSpace, origin: "namespace", place: `the namespace's ${ofNamespace}` };
  return defaultRole === undefined ? undefined : { text: defaultRole, origin: "default", place: "--default-role" };
}
