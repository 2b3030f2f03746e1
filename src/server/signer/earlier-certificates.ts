// The audit lines of certificates that were issued before this server started. A server that is killed after the API
// server has stored its answer leaves no line of it, and nothing in the request says whether there is one. So each
// server writes a line for each certificate that the requests of its first list carry; readers join lines by serial
// number. Kubernetes removes requests after some minutes, which bounds the number of lines.
// States: collecting → ended, by end(), after the first list.
import { X509Certificate } from "node:crypto";
import type { PodCertificateRequest } from "../../kubernetes/objects.ts";
import { formatSpiffeId, podIdentityOf } from "../../pki/identity.ts";
import { isRefusal } from "../../protocol/errors.ts";
import type { Audit } from "../../runtime/log.ts";
import { recordIssue } from "./sign-request.ts";

/** The certificates of a signer's first list. */
export interface EarlierCertificates {
  /** Writes the line of the request's certificate, if it has one and no line of it was written here. Never throws. */
  add(request: PodCertificateRequest): void;
  /** Forgets what was written; add() does nothing any more. */
  end(): void;
}

/** Creates the writer of lines. */
export function createEarlierCertificates(
  { audit }: { readonly audit: Audit },
  { trustDomain }: { readonly trustDomain: string },
): EarlierCertificates {
  /** The uids of requests with a line: a list that fails begins anew. */
  let written: Set<string> | undefined = new Set<string>();
  return {
    add(request) {
      const { uid = "" } = request.metadata;
      const certificate = certificateIn(request);
      if (!written || written.has(uid) || !certificate) return;
      const identity = podIdentityOf(certificate.raw, trustDomain);
      if (isRefusal(identity)) return;
      written.add(uid);
      const { serialNumber: serial, validToDate } = certificate;
      const subject = formatSpiffeId(identity);
      recordIssue(audit, request, { subject, serial, notAfter: validToDate.getTime(), evidence: "status" });
    },
    end() {
      written = undefined;
    },
  };
}

/** Returns the request's certificate; undefined if there is none that can be read. */
function certificateIn({ status }: PodCertificateRequest): X509Certificate | undefined {
  if (status?.certificateChain === undefined) return undefined;
  try {
    return new X509Certificate(status.certificateChain);
  } catch {
    return undefined;
  }
}
