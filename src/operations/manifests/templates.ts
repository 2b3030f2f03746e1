// Where an object has pods: by kind for Kubernetes' own workloads, by shape for all others, because a Rollout, a
// ScaledJob or an operator's resource has an ordinary pod template somewhere. Role annotations that stand in no
// template are found too.
import type { Pod } from "../../kubernetes/objects.ts";
import { isRoleAnnotation } from "../../policy/annotations.ts";
import { isObject } from "../../runtime/json-object.ts";
import { isEmptyCollection } from "./same-value.ts";
import { withoutNulls } from "./without-nulls.ts";

/** A pod of an object, and how to put an edited one back. */
export interface Template {
  readonly pod: Pod;
  /** Path from the object to the pod; empty if the object is the pod. */
  readonly path: readonly (string | number)[];
  /** Converts a pod to the value at `path`. */
  readonly unwrap: (pod: Pod) => object;
}

/** What is searched for templates: any value of an object's field. */
interface WorkloadObject {
  readonly kind?: string;
  readonly [field: string]: unknown;
}

const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  "apps/Deployment": ["spec", "template"],
  "apps/ReplicaSet": ["spec", "template"],
  "/ReplicationController": ["spec", "template"],
  "apps/StatefulSet": ["spec", "template"],
  "apps/DaemonSet": ["spec", "template"],
  "batch/Job": ["spec", "template"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
};

/**
 * Groups whose objects only look like pods, or whose pods may not have what injection adds: Knative accepts no sidecar
 * of its users' (https://knative.dev/docs/serving/configuration/feature-flags/), and policies have patterns of pods.
 */
const WITHOUT_TEMPLATES = /(^|\.)(serving\.knative\.dev|kyverno\.io|gatekeeper\.sh|fluxcd\.io|k8s\.io)$/;

/** Deeper than any resource has its templates (JobSet: 7), and a bound for input of any shape. */
const MAX_TEMPLATE_DEPTH = 16;

/** Empty for the core group; undefined without an apiVersion, which items of a list may lack. */
function groupOf(apiVersion: unknown): string | undefined {
  if (typeof apiVersion !== "string") return undefined;
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

/** True for a kind of Kubernetes' own; the group decides, if there is one, because other groups use the same kinds. */
export function isBuiltIn(kind: string, apiVersion: unknown): boolean {
  return builtInPath(kind, apiVersion) !== undefined;
}

function builtInPath(kind: string, apiVersion: unknown): readonly string[] | undefined {
  const group = groupOf(apiVersion);
  const key = Object.keys(TEMPLATE_PATHS).find((each) => {
    const [ownGroup, ownKind] = each.split("/");
    // Deployments and others were in "extensions" and may be so in old manifests.
    return ownKind === kind && (group === undefined || group === ownGroup || group === "extensions" || group === "");
  });
  return key === undefined ? undefined : TEMPLATE_PATHS[key];
}

/** The pods of an object: itself, or its templates; a built-in kind has at most one. Empty for other objects. */
export function templatesOf(object: WorkloadObject): readonly Template[] {
  const { kind = "", apiVersion } = object;
  if (kind === "Pod") return [{ pod: withoutNulls(object) as unknown as Pod, path: [], unwrap: (pod) => pod }];
  const path = builtInPath(kind, apiVersion);
  if (path !== undefined) {
    const found = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), object);
    return isObject(found) && isPresent(found["spec"]) ? [templateAt(found, path)] : [];
  }
  if (WITHOUT_TEMPLATES.test(groupOf(apiVersion) ?? "") || /(Policy|Definition)$/.test(kind)) return [];
  const { metadata: _metadata, status: _status, ...rest } = object;
  return findTemplates(rest, []);
}

/** The first pod of an object. */
export function templateOf(object: WorkloadObject): Template | undefined {
  return templatesOf(object)[0];
}

function findTemplates(value: unknown, path: readonly (string | number)[]): readonly Template[] {
  if (path.length > MAX_TEMPLATE_DEPTH) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => findTemplates(item, [...path, index]));
  if (!isObject(value)) return [];
  if (path.length > 0 && hasPodShape(value)) return [templateAt(value, path)];
  return Object.entries(value).flatMap(([key, inner]) => findTemplates(inner, [...path, key]));
}

/** An object with metadata, or none, beside a spec whose containers have a name and an image. */
function hasPodShape({ metadata, spec }: Record<string, unknown>): boolean {
  if ((isPresent(metadata) && !isObject(metadata)) || !isObject(spec)) return false;
  const { containers } = spec;
  const isContainer = (one: unknown) =>
    isObject(one) && typeof one["name"] === "string" && typeof one["image"] === "string";
  return Array.isArray(containers) && containers.length > 0 && containers.every(isContainer);
}

function templateAt(found: Record<string, unknown>, path: readonly (string | number)[]): Template {
  const pod = withoutNulls({ ...found, metadata: found["metadata"] ?? {} }) as unknown as Pod;
  const unwrap = ({ metadata, spec }: Pod) => ({ metadata: isEmptyCollection(metadata) ? undefined : metadata, spec });
  return { pod, path, unwrap };
}

/** Kinds whose own annotations name roles. */
const NAMING_KINDS = new Set(["Pod", "ServiceAccount", "Namespace"]);

/** Paths of role annotations, such as "spec.driver", that belong to no template: podrole does not know their pods. */
export function strayRoles(object: WorkloadObject): readonly string[] {
  const templates = new Set(templatesOf(object).map(({ path }) => path.join(".")));
  const paths: string[] = [];
  const visit = (value: unknown, path: readonly (string | number)[]): void => {
    if (path.length > MAX_TEMPLATE_DEPTH || templates.has(path.join("."))) return;
    if (Array.isArray(value)) return value.forEach((item, index) => visit(item, [...path, index]));
    if (!isObject(value)) return;
    if (Object.keys(value).some(isRoleAnnotation)) paths.push(path.join("."));
    for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
  };
  const { status: _status, ...rest } = object;
  if (!NAMING_KINDS.has(object.kind ?? "")) visit(rest, []);
  return paths;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
