// How a grant came about: the admission and the certificate of its pod, and from the API server's audit log the request
// that created the pod and the request for the pod's token.

import type { JoinKeys, Joins } from "../question.ts";
import type { ApiEvent } from "../records/api-events.ts";
import type { CallSum } from "../records/aws-calls.ts";
import type { CertificateRecord } from "../records/podrole-records.ts";
import { type CallerTrust, callerTrustOf, isRefusedByApiServer } from "./caller-trust.ts";
import {
  type GrantHistories,
  type GrantHistory,
  MAX_CLOCK_SKEW_MS,
  type MatchedAdmission,
  type Session,
} from "./grant-histories.ts";

/** An admission, and how far it is believed. */
export interface BelievedAdmission extends MatchedAdmission {
  readonly caller: CallerTrust;
}

/** How a grant came about. Each part is undefined if no log shows it. */
export interface Origin {
  readonly admission: BelievedAdmission | undefined;
  readonly certificate: CertificateRecord | undefined;
  /** The API server's event of the pod's creation. */
  readonly creation: ApiEvent | undefined;
  /** The API server's event of the request for the token that proved the pod's identity. */
  readonly tokenRequest: ApiEvent | undefined;
}

/**
 * Returns the origin of a grant. An admission whose pod the API server then refused is left out, and one that is
 * believed is preferred to an unproven one. If the API server's log has the creation of the pod by its own name, no
 * other admission with a generated name counts, nor does one of an earlier pod of this name, nor one whose event names
 * another pod.
 */
export function originOf(grants: GrantHistories, grant: GrantHistory, { api }: Joins): Origin {
  const until = grant.first + MAX_CLOCK_SKEW_MS;
  const own = api?.namedCreation(grant, until);
  const candidates = grants.admissionsOf(grant).filter(({ record, isExact }) => {
    const event = api?.creation(record.request);
    if (own === undefined) return isExact || event?.name === undefined || event.name === grant.pod;
    if (own.request !== undefined && own.request === record.request) return true;
    return isExact && (event === undefined ? record.at > own.at - MAX_CLOCK_SKEW_MS : event.at >= own.at);
  });
  const admission = likeliestOf(candidates, api, api?.generatedBy(grant.namespace, until) ?? []);
  const certificate = grants.certificateOf(grant);
  return {
    admission,
    certificate,
    creation: admission?.caller === "unproven" ? undefined : (api?.creation(admission?.record.request) ?? own),
    tokenRequest: api?.token(certificate?.credentialId),
  };
}

/**
 * Whoever reaches the webhook can make up a later admission of the same pod, so one that is believed comes first.
 * `generatedBy` are the users whose pods the API server named without a call of the webhook.
 */
function likeliestOf(
  candidates: readonly MatchedAdmission[],
  api: Joins["api"],
  generatedBy: readonly string[],
): BelievedAdmission | undefined {
  const judged = candidates
    .filter(({ record }) => !isRefusedByApiServer(record, api))
    .map(
      ({ record, isExact: exact }): BelievedAdmission => ({
        record,
        isExact: exact,
        caller: callerTrustOf(record, api),
      }),
    );
  const believed = judged.filter(({ caller }) => caller !== "unproven");
  const [likeliest] = believed;
  if (likeliest === undefined) return judged[0];
  const { record, isExact } = likeliest;
  // The webhook answers before the API server does, and is not called for pods that opt out: only the API server's log
  // tells which of two attempts created the pod. An attempt with the pod's full name is no more likely than one whose
  // name the API server generated: it may have got 409. A generated name alone proves nothing, because whoever may
  // create pods in the namespace may choose the same name.
  const isKnown = api?.creation(record.request) !== undefined;
  const hasRival = [...believed.map((other) => other.record.user), ...generatedBy].some((user) => user !== record.user);
  const isAmbiguous = isExact ? !isKnown && hasRival : !isKnown || hasRival;
  return isAmbiguous ? { ...likeliest, caller: "ambiguous" } : likeliest;
}

/** A session with the AWS calls made with its credentials; `calls` is undefined without CloudTrail's records. */
export interface UsedSession {
  readonly session: Readonly<Session>;
  readonly calls: readonly CallSum[] | undefined;
}

/** In order of their first issue. */
export function sessionsOf({ sessions }: GrantHistory, joins: Joins): readonly UsedSession[] {
  return [...sessions.values()]
    .toSorted((a, b) => a.first - b.first)
    .map((session) => ({ session, calls: joins.calls?.calls(session.accessKeyId) }));
}

/** Returns the values by which other logs are searched for these grants. */
export function joinKeysOf(grants: GrantHistories): JoinKeys {
  const keys: JoinKeys = { requests: new Set(), credentialIds: new Set(), accessKeyIds: new Set(), pods: new Set() };
  for (const grant of grants.list()) {
    keys.pods.add(`${grant.namespace}/${grant.pod}`);
    for (const { record } of grants.admissionsOf(grant)) if (record.request) keys.requests.add(record.request);
    const credentialId = grants.certificateOf(grant)?.credentialId;
    if (credentialId !== undefined) keys.credentialIds.add(credentialId);
    for (const accessKeyId of grant.sessions.keys()) keys.accessKeyIds.add(accessKeyId);
  }
  return keys;
}
