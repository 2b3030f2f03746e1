// Does to the pods of manifests what the webhook does at admission, by the same plan(). Everything else of the
// manifests is left as it is. Namespaces and ServiceAccounts in the same input provide their labels and annotations.

import { type Plan, type PlanInput, type PlanSettings, plan } from "../../injection/plan.ts";
import type { ObjectMeta } from "../../kubernetes/objects.ts";
import { ANNOTATIONS, INJECT_ENABLED, LABELS } from "../../policy/annotations.ts";
import { type Checked, success } from "../../runtime/result.ts";
import { editManifests, type PodMaker } from "../manifests/edit-pods.ts";
import { envSourcesOf } from "../manifests/env-sources.ts";
import { type KubernetesObject, type NamedText, namespaceOf, parseObjects } from "../manifests/parse-objects.ts";
import { strayRoles } from "../manifests/templates.ts";

/** The webhook's settings, and what the manifests may lack. */
export interface InjectOptions {
  readonly settings: PlanSettings;
  /** The permitted annotation of namespaces; it replaces theirs. */
  readonly permitted: string | undefined;
}

/** An object that is or makes a pod, as messages name it. */
export interface PodSubject {
  readonly kind: string;
  readonly name: string;
}

/** A pod, and what the plan did with it. */
export interface PlannedPod extends PodSubject {
  readonly plan: Pick<Plan, "decision" | "reason" | "message" | "warnings">;
}

/** The edited text, and what happened to each of its pods. */
export interface EditedManifests<Subject> {
  readonly text: string;
  readonly pods: readonly Subject[];
}

/** An object with a role annotation outside of every pod template that podrole finds in it. */
export interface UnknownPods extends PodSubject {
  /** Of the annotation's owner, such as "spec.driver.annotations". */
  readonly path: string;
}

/**
 * Injects every pod that the plan injects; a pod that it refuses is left as it was. The problems are those of the
 * input.
 */
export function injectManifests(
  input: NamedText,
  { settings, permitted }: InjectOptions,
): Checked<EditedManifests<PlannedPod> & { readonly unknown: readonly UnknownPods[] }> {
  const read = objectsOf(input);
  if (!read.ok) return read;
  const contextOf = contextsFrom(read.value, permitted);
  const pods: PlannedPod[] = [];
  const text = editManifests(input.text, (maker) => {
    const planned = plan({ pod: maker.pod, ...contextOf(maker) }, settings);
    pods.push({ kind: maker.kind, name: maker.name, plan: planned });
    return (planned.decision === "refuse" ? undefined : planned.pod) ?? maker.pod;
  });
  return success({ text, pods, unknown: read.value.flatMap(unknownPodsOf) });
}

/** Pods of the object about which podrole knows only that they should have a role. */
export function unknownPodsOf(object: KubernetesObject): readonly UnknownPods[] {
  const { kind, metadata } = object;
  return strayRoles(object).map((path) => ({ kind, name: metadata.name ?? "", path }));
}

/** The objects of the input. An input without any is a problem: in a pipeline, the command before may have failed. */
export function objectsOf({ text, origin }: NamedText): Checked<readonly KubernetesObject[]> {
  const { objects, problems } = parseObjects(text, origin);
  if (problems.length > 0) return { ok: false, problems };
  return objects.length === 0
    ? { ok: false, problems: [`--filename: ${origin} contains no Kubernetes object`] }
    : success(objects);
}

/** A namespace that is not in the input counts as labelled: the caller of this command wants injection. */
function contextsFrom(objects: readonly KubernetesObject[], permitted: string | undefined) {
  const metadataOf = (kind: string, name: string, namespace?: string): ObjectMeta | undefined =>
    objects.find(
      (object) =>
        object.kind === kind &&
        object.metadata.name === name &&
        (namespace === undefined || namespaceOf(object) === namespace),
    )?.metadata;
  return ({ namespace: name, pod }: PodMaker): Omit<PlanInput, "pod"> => {
    const known = metadataOf("Namespace", name);
    const labels = known ? (known.labels ?? {}) : { [LABELS.inject]: INJECT_ENABLED };
    const granted = permitted !== undefined && { [ANNOTATIONS.permitted]: permitted };
    const account = metadataOf("ServiceAccount", accountOf(pod), name);
    return {
      envSources: envSourcesOf(objects, name),
      namespace: { name, labels, annotations: { ...known?.annotations, ...granted } },
      serviceAccountAnnotations: account?.annotations ?? {},
    };
  };
}

/** Pods of any shape reach plan(), which refuses malformed ones; only a well-formed name selects an account. */
function accountOf({ spec }: PodMaker["pod"]): string {
  const named: unknown = spec?.serviceAccountName;
  return typeof named === "string" && named !== "" ? named : "default";
}
