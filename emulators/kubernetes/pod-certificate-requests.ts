// PodCertificateRequests as the API server of Kubernetes 1.37 accepts them: validation of a request and of a signer's
// answer, and the part of admission plugin NodeRestriction that concerns them.
// (k8s.io/kubernetes 1.37.2: pkg/apis/certificates/validation, plugin/pkg/admission/noderestriction)
import { createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { PodCertificateRequest, PodCertificateStatus } from "../../src/kubernetes/objects.ts";
import { decodeDer, encodeDer, fields, wholeBits } from "../../src/pki/der.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/runtime/clock.ts";
import type { UserInfo } from "./access.ts";
import { invalidValue, missingValue, notAllowed, unsupportedValue } from "./invalid-fields.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import { resourceNamed } from "./resources.ts";
import { forbiddenRequest, type StatusCause } from "./status.ts";
import type { Store } from "./store.ts";

const RESOURCE = "podcertificaterequests";
const SECONDS = { min: 3_600, max: 7_862_400, byDefault: 86_400 };

/** Sets the default lifetime, and removes a status, which only signers set. */
export function withRequestDefaults(object: KubeObject): KubeObject {
  const { status: _status, ...request } = object;
  const spec = { maxExpirationSeconds: SECONDS.byDefault, ...(request["spec"] as object | undefined) };
  return { ...request, spec };
}

/** Returns the problems of a new request. */
export function checkPodCertificateRequest(object: KubeObject): readonly StatusCause[] {
  const { spec } = object as unknown as PodCertificateRequest;
  const { maxExpirationSeconds: seconds = 0, stubPKCS10Request = "" } = spec;
  const names = ["signerName", "podName", "podUID", "serviceAccountName", "serviceAccountUID", "nodeName", "nodeUID"];
  const absent = names.filter((name) => !fieldAt(spec, name));
  const csr = "spec.stubPKCS10Request";
  return [
    ...absent.map((name) => invalidValue(`spec.${name}`, "", "must not be empty")),
    ...(seconds >= SECONDS.min && seconds <= SECONDS.max
      ? []
      : [invalidValue("spec.maxExpirationSeconds", seconds, `must be in the range [${SECONDS.min}, ${SECONDS.max}]`)]),
    ...(requestedKey(stubPKCS10Request) ? [] : [invalidValue(csr, "", "must be a valid PKCS#10 CSR")]),
  ];
}

/** Throws Forbidden if a node requests a certificate for a pod that it does not run as the request says. */
export function restrictNodeRequest(store: Store, { username }: UserInfo, object: KubeObject): void {
  const [, node] = /^system:node:(.+)$/.exec(username) ?? [];
  if (node === undefined) return;
  const { spec, metadata } = object as unknown as PodCertificateRequest;
  const { podName, nodeName } = spec;
  const refuse = (why: string) => forbiddenRequest(resourceNamed(RESOURCE), metadata.name ?? "", why);
  if (nodeName !== node) {
    throw refuse(
      `PodCertificateRequest.Spec.NodeName=${JSON.stringify(nodeName)}, which is not the requesting node ${JSON.stringify(node)}`,
    );
  }
  const place = JSON.stringify(`${metadata.namespace}/${podName}`);
  const pod = store.find("pods", metadata.namespace, podName);
  if (pod?.metadata.uid !== spec.podUID) {
    throw refuse(`PodCertificateRequest for pod ${place} contains a pod UID that differs from the running pod's`);
  }
  if (fieldAt(pod, "spec.nodeName") !== node) {
    throw refuse(`pod ${place} is not running on node ${JSON.stringify(node)} named in the PodCertificateRequest`);
  }
  if (fieldAt(pod, "spec.serviceAccountName") !== spec.serviceAccountName) {
    throw refuse(`PodCertificateRequest for pod ${place} contains another serviceAccountName than the running pod's`);
  }
  if (!mountsCertificateOf(pod, spec.signerName)) {
    const signer = JSON.stringify(spec.signerName);
    throw refuse(`pod ${place} does not mount a podCertificate projected volume for signer ${signer}`);
  }
}

function mountsCertificateOf(pod: KubeObject, signerName: string): boolean {
  const volumes = fieldAt(pod, "spec.volumes");
  return (Array.isArray(volumes) ? volumes : []).some((volume) => {
    const sources = fieldAt(volume, "projected.sources");
    return (Array.isArray(sources) ? sources : []).some(
      (source) => fieldAt(source, "podCertificate.signerName") === signerName,
    );
  });
}

const KNOWN_CONDITIONS = ["Issued", "Denied", "Failed"];
const REASON_PATTERN = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;

/**
 * Returns the problems of a changed status. `maySign`: whether the user has the right `sign` on the signer. `now`: Unix
 * milliseconds.
 */
export function checkPodCertificateStatus(
  before: KubeObject,
  after: KubeObject,
  { maySign, now }: { readonly maySign: (signerName: string) => boolean; readonly now: number },
): readonly StatusCause[] {
  const { spec, status: old = {} } = before as unknown as PodCertificateRequest;
  const { status = {} } = after as unknown as PodCertificateRequest;
  const conditions = checkConditions(status);
  if (conditions.length > 0) return conditions;
  if ((old.conditions ?? []).length > 0) {
    const why = "immutable after PodCertificateRequest is issued, denied, or failed";
    return isDeepStrictEqual(status, old) ? [] : [invalidValue("status", "", why)];
  }
  const problem = checkAnswer(spec, status, now);
  if (problem) return [problem];
  if (isDeepStrictEqual(status, old) || maySign(spec.signerName)) return [];
  return [
    notAllowed("spec.signerName", `User is not permitted to "sign" for signer ${JSON.stringify(spec.signerName)}`),
  ];
}

function checkConditions({ conditions = [] }: PodCertificateStatus): readonly StatusCause[] {
  return conditions.flatMap(({ type, status, reason, lastTransitionTime }, index) => {
    const at = `status.conditions[${index}]`;
    return [
      ...(KNOWN_CONDITIONS.includes(type) ? [] : [unsupportedValue(`${at}.type`, type, KNOWN_CONDITIONS)]),
      ...(status === "True" ? [] : [unsupportedValue(`${at}.status`, status, ["True"])]),
      ...(REASON_PATTERN.test(reason) ? [] : [invalidValue(`${at}.reason`, reason, "must be a CamelCase word")]),
      ...(Number.isNaN(Date.parse(lastTransitionTime)) ? [missingValue(`${at}.lastTransitionTime`)] : []),
      ...(index > 0 ? [invalidValue(`${at}.type`, type, "There may be at most one of the known conditions")] : []),
    ];
  });
}

/** The first problem of an answer to a request that had none. */
function checkAnswer(
  { stubPKCS10Request = "", maxExpirationSeconds = 0 }: PodCertificateRequest["spec"],
  { conditions = [], ...rest }: PodCertificateStatus,
  now: number,
): StatusCause | undefined {
  const [condition] = conditions;
  if (condition?.type !== "Issued") {
    const why = "non-condition status fields must be empty when denying or failing the PodCertificateRequest";
    return condition && Object.keys(rest).length > 0 ? invalidValue("status", "", why) : undefined;
  }
  const { certificateChain = "", notBefore, beginRefreshAt, notAfter } = rest;
  const chain = "status.certificateChain";
  const leaf = leafOf(certificateChain);
  if (!leaf) return invalidValue(chain, "", "issued certificate chain must contain at least one certificate");
  if (!requestedKey(stubPKCS10Request)?.equals(leaf.publicKey)) {
    return invalidValue(chain, "", "leaf certificate was not issued to the requested public key");
  }
  const [from, to, refresh] = [notBefore, notAfter, beginRefreshAt].map((text = "") => Date.parse(text));
  const [validFrom, validTo] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  if (from !== validFrom) {
    return invalidValue(
      "status.notBefore",
      notBefore,
      "must be set to the NotBefore time encoded in the leaf certificate",
    );
  }
  if (Math.abs(validFrom - now) > 5 * MINUTE_MS) {
    return invalidValue(
      "status.notBefore",
      notBefore,
      "must be set to within 5 minutes of kube-apiserver's current time",
    );
  }
  if (to !== validTo) {
    return invalidValue(
      "status.notAfter",
      notAfter,
      "must be set to the NotAfter time encoded in the leaf certificate",
    );
  }
  if (validTo - validFrom < HOUR_MS) return invalidValue(chain, "", "leaf certificate lifetime must be >= 1 hour");
  if (validTo - validFrom > maxExpirationSeconds * 1000) {
    const why = `leaf certificate lifetime must be <= spec.maxExpirationSeconds (${maxExpirationSeconds})`;
    return invalidValue(chain, "", why);
  }
  if (!(refresh !== undefined && refresh >= validFrom + 10 * MINUTE_MS && refresh <= validTo - 10 * MINUTE_MS)) {
    const why = "must be at least 10 minutes after status.notBefore and before status.notAfter";
    return invalidValue("status.beginRefreshAt", beginRefreshAt, why);
  }
  return undefined;
}

function leafOf(chain: string): X509Certificate | undefined {
  try {
    return new X509Certificate(chain);
  } catch {
    return undefined;
  }
}

/** Key types that kubelet and API server support, by node:crypto's names; RSA by the size of its modulus. */
const KEY_TYPES: ReadonlySet<unknown> = new Set(["ed25519", "prime256v1", "secp384r1", "secp521r1", 3072, 4096]);
const DIGESTS: Readonly<Record<string, string>> = { secp384r1: "sha384", secp521r1: "sha512" };

/** Returns the key of a PKCS #10 request (DER, base64) that its sender has signed, undefined for any other text. */
function requestedKey(text: string): KeyObject | undefined {
  const [info, , signatureBits] = fields(decodeDer(Buffer.from(text, "base64"))) ?? [];
  const [, , publicKeyInfo] = fields(info) ?? [];
  const signature = wholeBits(signatureBits);
  if (!info || !publicKeyInfo || !signature) return undefined;
  try {
    const key = createPublicKey({ key: encodeDer(publicKeyInfo), format: "der", type: "spki" });
    const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
    if (!KEY_TYPES.has(namedCurve ?? modulusLength ?? key.asymmetricKeyType)) return undefined;
    const digest = key.asymmetricKeyType === "ed25519" ? null : (DIGESTS[namedCurve ?? ""] ?? "sha256");
    return verify(digest, encodeDer(info), key, signature) ? key : undefined;
  } catch {
    return undefined;
  }
}
