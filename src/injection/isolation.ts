// Warnings about pods whose containers have different roles but are not isolated from each other: the containers of a
// pod share its network namespace, and may share its process namespace.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { isObject } from "../runtime/json-object.ts";
import { type PodRoles, roleText } from "./roles.ts";
import { allContainers, listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/**
 * Warns if a container can read what belongs to another role: a token file through /proc, or traffic on the loopback.
 */
export function isolationWarnings(pod: Pod, { roles, withoutRole }: PodRoles): readonly Warning[] {
  const participants = new Map<string, string | undefined>([
    ...withoutRole.map((name) => [name, undefined] as const),
    ...roles.map((decision) => [decision.container, roleText(decision)] as const),
  ]);
  const all = new Set(roles.map(roleText));
  const gains = (name: string) => all.size > (all.has(participants.get(name) ?? "") ? 1 : 0);
  const gaining = runningTogether(pod).filter(({ name }) => participants.has(name) && gains(name));
  const isDivided = [...participants.keys()].some(gains);
  return [
    ...(isDivided && pod.spec["shareProcessNamespace"] === true ? [warningOf("PROCESSES_SHARED")] : []),
    ...gaining.filter(keepsNetRaw).map(({ name }) => warningOf("NET_RAW_KEPT", name)),
  ];
}

/** Leaves out ordinary init containers if nothing that may have a role runs beside them. */
function runningTogether(pod: Pod): readonly Container[] {
  const hasSidecar = listOf(pod.spec.initContainers).some(({ restartPolicy }) => restartPolicy === "Always");
  return hasSidecar ? allContainers(pod) : pod.spec.containers;
}

/**
 * Reports whether a container keeps CAP_NET_RAW, which most runtimes grant by default. They apply "ALL" of `drop`
 * before single names of `add`, and single names of `drop` last; they differ where both lists have "ALL", which counts
 * as kept. A privileged container has every capability.
 * (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-capabilities-for-a-container)
 */
function keepsNetRaw({ securityContext }: Container): boolean {
  const { privileged, capabilities } = isObject(securityContext) ? securityContext : {};
  if (privileged === true) return true;
  const { add, drop } = isObject(capabilities) ? capabilities : {};
  if (capabilityNames(drop).includes("NET_RAW")) return false;
  const isAdded = capabilityNames(add).some((name) => name === "NET_RAW" || name === "ALL");
  return isAdded || !capabilityNames(drop).includes("ALL");
}

/** Runtimes accept any case, and some the kernel's prefix. */
function capabilityNames(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.map((name) => String(name).toUpperCase().replace(/^CAP_/, "")) : [];
}
