// A pod's identity as a SPIFFE ID in the certificate's only alternative name, and back. Written by the server alone;
// read here byte by byte from the extension, because a joined text of several names can be made to look like another.
// (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md)
import type { Refusal } from "../protocol/errors.ts";
import { extensionOf } from "./certificate.ts";
import { content, hasTag, parts } from "./der.ts";
import { SUBJECT_ALT_NAME } from "./oids.ts";

export interface PodIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: string;
  readonly uid: string;
}

export function formatSpiffeId({ trustDomain, namespace, serviceAccount, pod, uid }: PodIdentity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}/pod/${pod}/${uid}`;
}

/** Namespaces are DNS labels, other names DNS subdomains; uids are UUIDs or, for mirror pods, hex digests. */
const SPIFFE_ID =
  /^spiffe:\/\/([a-z0-9.-]{1,255})\/ns\/([a-z0-9-]{1,63})\/sa\/([a-z0-9.-]{1,253})\/pod\/([a-z0-9.-]{1,253})\/([A-Za-z0-9-]{1,64})$/;

/** The identity of a verified client certificate (DER); CERTIFICATE_REJECTED for any other certificate. Never throws. */
export function podIdentityOf(certificate: Uint8Array, trustDomain: string): PodIdentity | Refusal {
  const names = parts(extensionOf(certificate, SUBJECT_ALT_NAME)) ?? [];
  const [name] = names;
  if (names.length !== 1 || !hasTag(name, 6)) return rejected("it does not name exactly one URI");
  const [, domain, namespace, serviceAccount, pod, uid] = SPIFFE_ID.exec(content(name)?.toString("latin1") ?? "") ?? [];
  if (!domain || !namespace || !serviceAccount || !pod || !uid) return rejected("its URI is not a pod's SPIFFE ID");
  if (domain !== trustDomain) return rejected(`its trust domain is not ${trustDomain}`);
  return { trustDomain: domain, namespace, serviceAccount, pod, uid };
}

function rejected(state: string): Refusal {
  return { code: "CERTIFICATE_REJECTED", message: `Cannot identify the caller by its certificate: ${state}` };
}
