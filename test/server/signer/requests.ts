// PodCertificateRequests as a kubelet makes them, on an emulated API server.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { KubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import type { Pod, PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { bits, decodeDer, encodeDer, integer, oid, sequence, tagged } from "../../../src/pki/der.ts";
import { generateKeyPem, signatureScheme } from "../../../src/pki/keys.ts";
import { injectedPod } from "../../injection/injected-pod.ts";
import { createAndRead } from "../../kubernetes/harness.ts";

export const NODE = "node-1";

/** Key types of pod certificates. */
export const KEY_TYPES = ["ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072"] as const;
export type KeyType = (typeof KEY_TYPES)[number];

const CURVES: Readonly<Record<string, string>> = { ECDSAP384: "secp384r1", ECDSAP521: "secp521r1" };

function newPrivateKey(type: KeyType): KeyObject {
  if (type === "ECDSAP256") return createPrivateKey(generateKeyPem().reveal());
  if (type === "ED25519") return generateKeyPairSync("ed25519").privateKey;
  if (type === "RSA3072") return generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey;
  return generateKeyPairSync("ec", { namedCurve: CURVES[type] ?? "" }).privateKey;
}

function schemeOf(type: KeyType, key: KeyObject) {
  if (type === "ED25519") return { algorithm: sequence(oid("1.3.101.112")), digest: null };
  if (type === "ECDSAP521") return { algorithm: sequence(oid("1.2.840.10045.4.3.4")), digest: "sha512" };
  return signatureScheme(key);
}

/** A PKCS #10 request without a name or attributes, as the kubelet makes it: DER in base64. */
export function emptyCsr(type: KeyType = "ECDSAP256"): { readonly publicKey: KeyObject; readonly csr: string } {
  const key = newPrivateKey(type);
  const publicKey = createPublicKey(key);
  const info = decodeDer(publicKey.export({ type: "spki", format: "der" })) ?? sequence();
  const content = sequence(integer(0), sequence(), info, tagged(0));
  const { algorithm, digest } = schemeOf(type, key);
  const der = encodeDer(sequence(content, algorithm, bits(sign(digest, encodeDer(content), key))));
  return { publicKey, csr: der.toString("base64") };
}

/** Creates an injected pod on NODE. */
export async function createPod(emulator: KubernetesEmulator, name: string, namespace = "team"): Promise<Pod> {
  const pod = injectedPod({ name, namespace });
  const onNode = { ...pod, spec: { ...pod.spec, nodeName: NODE } };
  return createAndRead<Pod>(emulator, `/api/v1/namespaces/${namespace}/pods`, onNode);
}

/** Changes to a request as the kubelet makes it. */
export type SpecChange = Partial<PodCertificateRequest["spec"]>;

/** A kubelet's request for `pod`. */
export function requestFor({ metadata, spec }: Pod, change: SpecChange = {}) {
  return {
    metadata: { generateName: "req-" },
    spec: {
      signerName: "podrole.io/pod",
      podName: metadata.name ?? "",
      podUID: metadata.uid ?? "",
      serviceAccountName: spec.serviceAccountName ?? "default",
      serviceAccountUID: "sa-1",
      nodeName: NODE,
      nodeUID: "node-uid-1",
      stubPKCS10Request: emptyCsr().csr,
      ...change,
    },
  };
}

export const requestsPath = (namespace = "team") =>
  `/apis/certificates.k8s.io/v1/namespaces/${namespace}/podcertificaterequests`;

/** Creates a request as the API server stores it, also one that a node could not make. */
export function createRequest(
  emulator: KubernetesEmulator,
  pod: Pod,
  change: SpecChange = {},
): Promise<PodCertificateRequest> {
  return createAndRead(emulator, requestsPath(pod.metadata.namespace), requestFor(pod, change));
}

/** Returns the request as it is now. */
export function readRequest(emulator: KubernetesEmulator, { metadata }: PodCertificateRequest): PodCertificateRequest {
  const found = emulator.store.get("podcertificaterequests", metadata.namespace, metadata.name ?? "");
  return found as unknown as PodCertificateRequest;
}
