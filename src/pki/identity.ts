// A pod's identity as a SPIFFE ID in the only alternative name of its certificate, written and read. Only the server
// writes it. It is read byte by byte from the extension, because the joined text of several names can be made to look
// like another name.
// (https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/ and .../x509-svid/)
import { type Refusal, refuse } from "../protocol/errors.ts";
import { isDnsLabel, isDnsSubdomain } from "../runtime/dns-names.ts";
import { content, fields, hasTag } from "./der.ts";
import { readExtensions } from "./extensions.ts";
import { BASIC_CONSTRAINTS, SUBJECT_ALT_NAME } from "./oids.ts";

/** One instance of a pod: the uid distinguishes it from a later pod of the same name. */
export interface PodIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * Returns `spiffe://<trust-domain>/ns/<ns>/sa/<sa>/pod/<name>/<uid>`. Throws for an identity that
 * podIdentityOf() would refuse.
 */
export function formatSpiffeId(identity: PodIdentity): string {
  const { trustDomain, namespace, serviceAccount, name, uid } = identity;
  const id = `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}/pod/${name}/${uid}`;
  if (parseSpiffeId(id) === undefined)
    throw new Error(
      `Cannot format a SPIFFE ID: "${id}" is not one of a pod; expected names that Kubernetes and SPIFFE accept`,
    );
  return id;
}

/**
 * Returns the identity that a verified leaf certificate (DER) carries, otherwise CERTIFICATE_REJECTED. Never throws.
 */
export function podIdentityOf(certificateDer: Uint8Array, trustDomain: string): PodIdentity | Refusal {
  const extension = readExtensions(certificateDer);
  const [names, ...more] = extension(SUBJECT_ALT_NAME);
  const [name, ...others] = fields(names) ?? [];
  if (more.length + others.length > 0 || !hasTag(name, 6)) {
    return callerCertificateRejected("it does not carry exactly one alternative name; expected a URI");
  }
  // X509-SVID §4.1: only a leaf has an identity, never a CA. DER omits cA FALSE, so the constraints of a leaf are
  // empty.
  if (extension(BASIC_CONSTRAINTS).some((constraints) => fields(constraints)?.length !== 0)) {
    return callerCertificateRejected("it is a CA's certificate; expected a pod's");
  }
  const identity = parseSpiffeId(content(name)?.toString("latin1") ?? "");
  if (identity === undefined)
    return callerCertificateRejected("its URI has another form; expected the SPIFFE ID of a pod");
  if (identity.trustDomain !== trustDomain)
    return callerCertificateRejected(`it belongs to another trust domain; expected ${trustDomain}`);
  return identity;
}

function parseSpiffeId(text: string): PodIdentity | undefined {
  const [
    scheme,
    empty,
    trustDomain = "",
    ns,
    namespace = "",
    sa,
    serviceAccount = "",
    kind,
    name = "",
    uid = "",
    ...more
  ] = text.split("/");
  const isFixed = scheme === "spiffe:" && empty === "" && ns === "ns" && sa === "sa" && kind === "pod";
  const isNamed =
    isTrustDomain(trustDomain) && isDnsLabel(namespace) && isDnsSubdomain(serviceAccount) && isDnsSubdomain(name);
  const isWhole = isFixed && isNamed && isUid(uid) && more.length === 0;
  return isWhole ? { trustDomain, namespace, serviceAccount, name, uid } : undefined;
}

/**
 * Reports whether the text is a DNS name in lower case: what SPIFFE allows (SPIFFE-ID §2.1, at most 255 characters),
 * without underscores.
 */
export function isTrustDomain(text: string): boolean {
  return text.length <= 255 && text.split(".").every(isDnsLabel);
}

/** Kubernetes uses UUIDs; the API only promises an opaque text. */
function isUid(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(text);
}

function callerCertificateRejected(state: string): Refusal {
  return refuse("CERTIFICATE_REJECTED", `Cannot identify the caller by its certificate: ${state}`);
}
