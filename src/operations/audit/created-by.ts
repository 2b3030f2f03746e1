// Who stands behind a pod: the user of its admission, and from the API server's audit log where the request came from and
// which node asked for the pod's token.
import type { CallSum } from "./cloudtrail.ts";
import { isoTime, type JoinKeys, type Joins } from "./question.ts";
import type { Use, Uses } from "./uses.ts";

export interface Behind {
  /** For the table: "alice@example.com", "alice@example.com as deployer". */
  readonly user: string;
  readonly json: object;
}

export function behind(uses: Uses, use: Use, { api }: Joins): Behind {
  const origin = uses.origin(use);
  const proof = uses.proof(use);
  const creation = api?.creation(origin?.admission.request);
  const token = api?.token(proof?.credentialId);
  const name = creation?.user ?? origin?.admission.user;
  const user = name === undefined ? "" : creation?.impersonated ? `${name} as ${creation.impersonated}` : name;
  return {
    user,
    json: {
      admission: origin && {
        at: isoTime(origin.admission.at),
        request: origin.admission.request,
        user: origin.admission.user,
        groups: origin.admission.groups,
        owner: origin.admission.owner,
        exact: origin.exact,
      },
      certificate: proof && { at: isoTime(proof.at), serial: proof.serial, credentialId: proof.credentialId },
      apiServer: (creation || token) && {
        auditId: creation?.auditId,
        user: creation?.user,
        impersonatedUser: creation?.impersonated,
        sourceIps: creation?.sourceIps,
        userAgent: creation?.userAgent,
        tokenAskedForBy: token?.user,
      },
    },
  };
}

export function joinKeys(uses: Uses): JoinKeys {
  const keys: JoinKeys = { requests: new Set(), credentialIds: new Set(), accessKeyIds: new Set() };
  for (const use of uses.list()) {
    const request = uses.origin(use)?.admission.request;
    const credentialId = uses.proof(use)?.credentialId;
    if (request !== undefined) keys.requests.add(request);
    if (credentialId !== undefined) keys.credentialIds.add(credentialId);
    for (const accessKeyId of use.sessions.keys()) keys.accessKeyIds.add(accessKeyId);
  }
  return keys;
}

/** "sts:GetCallerIdentity ×2, s3:GetObject ×9 (3 AccessDenied)" */
export function callsText(calls: readonly CallSum[]): string {
  return calls
    .map(({ action, count, errors }) => {
      const failed = [...errors].map(([code, times]) => `${times} ${code}`).join(", ");
      return `${action} ×${count}${failed === "" ? "" : ` (${failed})`}`;
    })
    .join(", ");
}

export function callJson({ action, count, first, last, errors, sourceIps }: CallSum): object {
  return {
    action,
    count,
    first: isoTime(first),
    last: isoTime(last),
    errors: Object.fromEntries(errors),
    sourceIps: [...sourceIps],
  };
}
