// The kubelets of a cluster, and whether they know the volumes of pod certificates. Pure.
import type { ObjectMeta } from "./objects.ts";

/** The fields of a node that podrole reads. */
export interface NodeObject {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } };
}

/** What is kept of a node. */
export interface Kubelet {
  readonly node: string;
  /** As the kubelet reports it, such as "v1.37.2-eks-1a2b3c4"; empty if it has not reported yet. */
  readonly version: string;
  /** False for a cordoned node. */
  readonly isSchedulable: boolean;
}

/** Minor version of Kubernetes 1 from which pod certificates and ClusterTrustBundles are generally available. */
export const MIN_POD_CERTIFICATE_MINOR = 37;

/** Returns the node's kubelet. */
export function kubeletOf({ metadata, spec, status }: NodeObject): Kubelet {
  return {
    node: metadata.name ?? "",
    version: status?.nodeInfo?.kubeletVersion ?? "",
    isSchedulable: spec?.unschedulable !== true,
  };
}

/**
 * Returns the kubelets that run new pods and do not know pod certificates: one older than 1.37, and one whose version
 * cannot be read.
 */
export function olderKubelets(kubelets: readonly Kubelet[]): readonly Kubelet[] {
  return kubelets.filter(({ isSchedulable, version }) => isSchedulable && !hasPodCertificates(version));
}

/** Distributions append suffixes: "v1.37.2-gke.100", "v1.37.1+k3s1". */
function hasPodCertificates(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= MIN_POD_CERTIFICATE_MINOR);
}
