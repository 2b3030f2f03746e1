// The kubelet's part of pod certificates (Kubernetes 1.37): makes the key, creates a PodCertificateRequest as the node,
// and waits for a signer's answer. A denial is final.
// (k8s.io/kubernetes 1.37.2, pkg/kubelet/podcertificate)

import type { ClusterTrustBundle, PodCertificateRequest } from "../../src/kubernetes/objects.ts";
import { createCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { Secret } from "../../src/runtime/secret.ts";
import type { KubernetesEmulator } from "../kubernetes/emulator.ts";
import { until } from "../until.ts";
import type { PlacedPod } from "./environment.ts";

/** What a podCertificate source of a volume says. */
export interface PodCertificateSource {
  readonly signerName: string;
  readonly maxExpirationSeconds?: number;
  readonly userAnnotations?: Readonly<Record<string, string>>;
  readonly credentialBundlePath: string;
}

/** Projections that the kubelet makes from the API of certificates. */
export interface CertificateProjections {
  /**
   * Resolves with key and chain (PEM), and when to replace them (Unix milliseconds); rejects if the request is denied,
   * or `signal` aborts.
   */
  issue(
    placed: PlacedPod,
    source: PodCertificateSource,
    signal: AbortSignal,
  ): Promise<{ readonly content: Secret; readonly refreshAt: number }>;
  /** Returns the certificates of all bundles of the signer; undefined if there is none. */
  bundle(signerName: string): string | undefined;
}

/** Creates the projections of a node on the emulated API server. */
export function createCertificateProjections(
  kubernetes: Pick<KubernetesEmulator, "create" | "store">,
): CertificateProjections {
  return {
    async issue({ pod, nodeName }, source, signal) {
      const { signerName, maxExpirationSeconds, userAnnotations } = source;
      const { namespace = "", name = "", uid = "" } = pod.metadata;
      const serviceAccountName = pod.spec.serviceAccountName ?? "default";
      const key = generateKeyPem();
      const spec = {
        ...{ signerName, podName: name, podUID: uid, serviceAccountName, serviceAccountUID: "emulated" },
        ...{ nodeName, nodeUID: "emulated" },
        ...(maxExpirationSeconds !== undefined && { maxExpirationSeconds }),
        ...(userAnnotations && { unverifiedUserAnnotations: userAnnotations }),
        stubPKCS10Request: createCsr(key, "").toString("base64"),
      };
      const path = `/apis/certificates.k8s.io/v1/namespaces/${namespace}/podcertificaterequests`;
      const request = { metadata: { generateName: "req-" }, spec };
      const created = await kubernetes.create(path, request, `system:node:${nodeName}`);
      if (created.code !== 201) throw new Error(`PodCertificateRequest: ${JSON.stringify(created.body)}`);
      const { metadata } = created.body as PodCertificateRequest;
      const statusNow = () => {
        const found = kubernetes.store.find("podcertificaterequests", namespace, metadata.name ?? "");
        return (found as PodCertificateRequest | undefined)?.status;
      };
      await until(() => signal.aborted || (statusNow()?.conditions ?? []).length > 0, "an answer of the signer");
      const { conditions = [], certificateChain = "", beginRefreshAt = "" } = statusNow() ?? {};
      const [{ type, reason, message } = { type: "none", reason: "", message: "" }] = conditions;
      if (type !== "Issued") throw new Error(`PodCertificateRequest ${metadata.name}: ${type} ${reason} ${message}`);
      return { content: new Secret(`${key.reveal()}${certificateChain}`), refreshAt: Date.parse(beginRefreshAt) };
    },
    bundle(signerName) {
      const all = kubernetes.store.list("clustertrustbundles") as unknown as readonly ClusterTrustBundle[];
      const own = all.filter(({ spec }) => spec.signerName === signerName);
      return own.length === 0 ? undefined : own.map(({ spec }) => spec.trustBundle).join("");
    },
  };
}
