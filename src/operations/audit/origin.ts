// How a grant came about: the admission and the certificate of its pod, and from the API server's audit log the request
// that created the pod and the request for the pod's token.
import type { ApiEvent } from "./api-audit.ts";
import type { CallSum } from "./cloudtrail.ts";
import type { Grant, Grants, MatchedAdmission, Session } from "./grants.ts";
import type { JoinKeys, Joins } from "./question.ts";
import type { CertificateRecord } from "./records.ts";

export interface Origin {
  readonly admission: MatchedAdmission | undefined;
  readonly certificate: CertificateRecord | undefined;
  /** The API server's event of the pod's creation. */
  readonly creation: ApiEvent | undefined;
  /** The API server's event of the request for the token that proved the pod's identity. */
  readonly tokenRequest: ApiEvent | undefined;
}

export function originOf(grants: Grants, grant: Grant, { api }: Joins): Origin {
  const admission = grants.admissionOf(grant);
  const certificate = grants.certificateOf(grant);
  return {
    admission,
    certificate,
    creation: api?.creation(admission?.record.request),
    tokenRequest: api?.token(certificate?.credentialId),
  };
}

/** A session with the AWS calls made with its credentials; `calls` is undefined without CloudTrail's records. */
export interface UsedSession {
  readonly session: Readonly<Session>;
  readonly calls: readonly CallSum[] | undefined;
}

/** In order of their first issue. */
export function sessionsOf({ sessions }: Grant, joins: Joins): readonly UsedSession[] {
  return [...sessions.values()]
    .toSorted((a, b) => a.first - b.first)
    .map((session) => ({ session, calls: joins.calls?.calls(session.accessKeyId) }));
}

export function joinKeysOf(grants: Grants): JoinKeys {
  const keys: JoinKeys = { requests: new Set(), credentialIds: new Set(), accessKeyIds: new Set() };
  for (const grant of grants.list()) {
    const request = grants.admissionOf(grant)?.record.request;
    const credentialId = grants.certificateOf(grant)?.credentialId;
    if (request !== undefined) keys.requests.add(request);
    if (credentialId !== undefined) keys.credentialIds.add(credentialId);
    for (const accessKeyId of grant.sessions.keys()) keys.accessKeyIds.add(accessKeyId);
  }
  return keys;
}
