// Whether an admission record is believed. The webhook writes one for each caller of /mutate, and only with
// --api-server-ca has the caller proved that it is the API server. Other records are believed if the API server's own
// audit log has the same request: the webhook's answer puts its uid there, and nobody else can.
import { type ApiJoin, userOf } from "../records/api-events.ts";
import type { AdmissionRecord } from "../records/podrole-records.ts";

/**
 * "api-server": the caller proved it. "confirmed": the API server's audit log has the request, with the same user and
 * pod. "unproven": neither, so that anyone who reaches the program's port may have caused the record. "ambiguous": the
 * request is real, but another one may have created the pod as well.
 */
export type CallerTrust = "api-server" | "confirmed" | "unproven" | "ambiguous";

/** Reports whether the API server's audit log shows that it refused what the webhook admitted. */
export function isRefusedByApiServer({ request }: AdmissionRecord, api: ApiJoin | undefined): boolean {
  return api?.creation(request)?.isRefused === true;
}

/** Returns how far the record is believed, taken by itself; `api` is undefined without the API server's audit log. */
export function callerTrustOf(record: AdmissionRecord, api: ApiJoin | undefined): CallerTrust {
  if (record.isProven) return "api-server";
  const event = api?.creation(record.request);
  if (event === undefined) return "unproven";
  const isSamePod = record.pod === undefined || event.name === undefined || event.name === record.pod;
  const isSame = userOf(event) === record.user && event.namespace === record.namespace && isSamePod;
  return isSame ? "confirmed" : "unproven";
}
