// The security context of podrole's containers. It complies with PodSecurity "restricted", and what the pod sets for
// its own program in its own security context does not apply to podrole's.
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted)
import type { Pod } from "../kubernetes/objects.ts";
import { isObject } from "../runtime/json-object.ts";

/** The identity of podrole's processes. */
export interface SecuritySettings {
  /** Undefined: left to the image and to the cluster's admission (OpenShift assigns each namespace a range). */
  readonly runAsUser: number | undefined;
  /** Undefined: left to the image and the pod. */
  readonly runAsGroup: number | undefined;
}

/** Builds the security context of podrole's containers in this pod. */
export function podroleSecurityContext({ spec }: Pod, { runAsUser, runAsGroup }: SecuritySettings) {
  const ofPod = isObject(spec["securityContext"]) ? spec["securityContext"] : {};
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    ...(runAsUser !== undefined && { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    seccompProfile: { type: "RuntimeDefault" },
    ...ownAppArmorProfile(ofPod["appArmorProfile"]),
    ...ownSeLinuxOptions(ofPod["seLinuxOptions"]),
  };
}

/**
 * A profile that the pod loads from its node permits what the app does. Only then is the runtime's own profile set:
 * nodes without AppArmor refuse pods that demand one.
 * (https://kubernetes.io/docs/tutorials/security/apparmor/#securing-a-pod)
 */
function ownAppArmorProfile(ofPod: unknown) {
  const isForApp = isObject(ofPod) && ofPod["type"] === "Localhost";
  return isForApp ? { appArmorProfile: { type: "RuntimeDefault" } } : {};
}

/** The process type of ordinary containers, in all policies of SELinux for containers. */
const CONTAINER_TYPE = "container_t";

/**
 * A process type of the app's own permits what the app does. User, role and level stay the pod's, because the volumes
 * have the pod's level.
 * (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container)
 */
function ownSeLinuxOptions(ofPod: unknown) {
  if (!isObject(ofPod) || ofPod["type"] === undefined || ofPod["type"] === CONTAINER_TYPE) return {};
  return { seLinuxOptions: { ...ofPod, type: CONTAINER_TYPE } };
}
