// The parts of Kubernetes objects that podrole reads, as they are in JSON. Every object may carry more fields; podrole
// preserves the ones it does not know. (https://kubernetes.io/docs/reference/kubernetes-api/)
import { isDeepStrictEqual } from "#platform";

/** Metadata of every object; fields that podrole does not name are kept. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { kind: string; name: string; controller?: boolean; [field: string]: unknown }[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
  [field: string]: unknown;
}

/** An environment variable of a container. */
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: Record<string, unknown>;
}

/** A mount of a volume in a container. */
export interface VolumeMount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
  [field: string]: unknown;
}

/** Resource requests and limits, as quantities. */
export interface ResourceRequirements {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
  [field: string]: unknown;
}

/** A container of a pod, of any of the three lists. */
export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: { containerPort: number; hostPort?: number; protocol?: string; [field: string]: unknown }[];
  volumeMounts?: VolumeMount[];
  resources?: ResourceRequirements;
  restartPolicy?: string;
  [field: string]: unknown;
}

/** A volume of a pod; the source is the field beside its name. */
export interface Volume {
  name: string;
  [source: string]: unknown;
}

/** The fields of a pod's spec that podrole reads or writes. */
export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  serviceAccountName?: string;
  hostNetwork?: boolean;
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  os?: { name: string };
  restartPolicy?: string;
  [field: string]: unknown;
}

/** A pod. */
export interface Pod {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: PodSpec;
  status?: { phase?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/**
 * Returns true once no container of the pod runs or will run again
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase).
 */
export function hasFinished(pod: WithPhase): boolean {
  return finishedPhase(pod) !== undefined;
}

/** Returns the phase of a pod that has finished; undefined for every other pod. */
export function finishedPhase({ status }: WithPhase): "Succeeded" | "Failed" | undefined {
  const phase = status?.phase;
  return phase === "Succeeded" || phase === "Failed" ? phase : undefined;
}

interface WithPhase {
  readonly status?: { readonly phase?: string } | undefined;
}

/** Returns the owner that manages an object: the controller among its owner references, or else the first of them. */
export function controllerOf<Owner extends { readonly controller?: unknown }>(
  owners: readonly Owner[],
): Owner | undefined {
  return owners.find(({ controller }) => controller === true) ?? owners[0];
}

/** A namespace. */
export interface Namespace {
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A ServiceAccount. */
export interface ServiceAccount {
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A LimitRange. */
export interface LimitRange {
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A ResourceQuota. */
export interface ResourceQuota {
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A condition in the status of an object (metav1.Condition). */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

/** A kubelet's request for a certificate of one of its pods (certificates.k8s.io/v1, Kubernetes 1.37). */
export interface PodCertificateRequest {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly signerName: string;
    readonly podName: string;
    readonly podUID: string;
    readonly serviceAccountName: string;
    readonly nodeName: string;
    /** Longest lifetime of the certificate, in seconds. */
    readonly maxExpirationSeconds?: number;
    /** PKCS #10 in DER, base64; the API server has verified its signature. */
    readonly stubPKCS10Request?: string;
    readonly unverifiedUserAnnotations?: Readonly<Record<string, string>>;
  };
  readonly status?: PodCertificateStatus;
}

/** A signer's answer: one condition (Issued, Denied or Failed), with a certificate only if it is Issued. */
export interface PodCertificateStatus {
  readonly conditions?: readonly Condition[];
  /** PEM, the leaf first. */
  readonly certificateChain?: string;
  /** RFC 3339, as are the other times. */
  readonly notBefore?: string;
  readonly beginRefreshAt?: string;
  readonly notAfter?: string;
}

/** CAs that the kubelet can put into volumes (certificates.k8s.io/v1, Kubernetes 1.37). */
export interface ClusterTrustBundle {
  readonly metadata: ObjectMeta;
  /** `trustBundle`: PEM. The signer's name cannot change. */
  readonly spec: { readonly signerName?: string; readonly trustBundle: string };
}

/** A ConfigMap with its text entries. */
export interface ConfigMap {
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Reports whether two elements of a list in a pod spec are versions of the same one: containers, volumes and variables
 * by `name`, mounts by `name` and `mountPath`, elements without a name by their whole content.
 */
export function isSameElement(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (!isNamed(before) || !isNamed(after)) return isDeepStrictEqual(before, after);
  return before.name === after.name && before.mountPath === after.mountPath;
}

function isNamed(element: unknown): element is { readonly name: string; readonly mountPath?: unknown } {
  return typeof element === "object" && element !== null && "name" in element && typeof element.name === "string";
}
