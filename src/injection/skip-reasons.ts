// Every reason for which a pod starts without podrole, and the checks that find one without knowing any role. The key
// is metric label, audit field and audit annotation, and part of the warning that kubectl prints; docs/troubleshoot.md
// lists the sentences.
import type { Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS, optsIn } from "../policy/annotations.ts";
import { runsOnWindows } from "./windows.ts";

/** Reason → sentence for people. */
export const SKIP_REASONS = {
  NOT_A_CREATION: "The request does not create a pod; podrole changes pods only when they are created",
  SYSTEM_NAMESPACE: "The namespace belongs to Kubernetes or to podrole itself",
  NAMESPACE_NOT_LABELLED: "The namespace does not have the label podrole.io/inject: enabled",
  INJECTION_DISABLED: "The pod has the annotation podrole.io/inject: disabled",
  MIRROR_POD: "The pod is the mirror of a static pod, which the kubelet runs from a file",
  NO_CONTAINER: "podrole.io/containers is empty, or every container of the pod belongs to a service mesh",
  WINDOWS: "The pod runs on Windows, where podrole's sidecar does not run",
  HOST_NETWORK: "The pod uses its node's network, so every process of the node could reach the sidecar",
  NO_ROLE: "No annotation of the pod, its ServiceAccount or its namespace names a role",
} as const satisfies Record<string, string>;

/** A key of SKIP_REASONS; never the same as an error code. */
export type SkipReason = keyof typeof SKIP_REASONS;

/**
 * Reasons that the author of a pod with a role may not expect: the webhook labels such a pod with the reason
 * (`LABELS.skipped`), and the server records it on the pod's owner. The others are somebody's choice, such as an
 * opt-out, or follow from a namespace in which podrole changes nothing.
 */
const MARKED_REASONS = ["NO_CONTAINER", "WINDOWS", "HOST_NETWORK"] as const satisfies readonly SkipReason[];
/** A value that the webhook gives a pod's label `LABELS.skipped`. */
export type MarkedReason = (typeof MARKED_REASONS)[number];

/** Returns the value of a pod's label `LABELS.skipped` if the webhook sets it; undefined for any other value. */
export function markedReason(value: string | undefined): MarkedReason | undefined {
  return MARKED_REASONS.find((reason) => reason === value);
}

/**
 * Namespaces of Kubernetes itself, in which podrole injects no pod. The manifests and the chart exclude the same ones.
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces)
 */
export const SYSTEM_NAMESPACES: readonly string[] = ["kube-system", "kube-public", "kube-node-lease"];

/** The reason for which no pod of this namespace is injected. `excluded`: podrole's own namespaces. */
export function skipReasonOfNamespace(
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  excluded: readonly string[],
): SkipReason | undefined {
  if (SYSTEM_NAMESPACES.includes(name) || excluded.includes(name)) return "SYSTEM_NAMESPACE";
  return optsIn(labels) ? undefined : "NAMESPACE_NOT_LABELLED";
}

/** The reason for which this pod is not injected in any namespace, whatever roles it has. */
export function skipReasonOfPod(pod: Pod): SkipReason | undefined {
  const { metadata, spec } = pod;
  if (metadata.annotations?.[ANNOTATIONS.inject] === "disabled") return "INJECTION_DISABLED";
  if (metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return "MIRROR_POD";
  if (!Array.isArray(spec.containers) || spec.containers.length === 0) return "NO_CONTAINER";
  if (runsOnWindows(pod)) return "WINDOWS";
  return spec.hostNetwork === true ? "HOST_NETWORK" : undefined;
}
