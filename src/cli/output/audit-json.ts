// The answers of podrole audit as JSON: one object a row. Programs read these fields, so their names stay.

import type { Session } from "../../operations/audit/answers/grant-histories.ts";
import type { GrantRow } from "../../operations/audit/answers/grants.ts";
import type { Origin } from "../../operations/audit/answers/origin.ts";
import type { PodStep } from "../../operations/audit/answers/pod.ts";
import type { AuditAnswer } from "../../operations/audit/audit.ts";
import type { CallSum } from "../../operations/audit/records/aws-calls.ts";
import { jsonText } from "./text.ts";

/** Returns the answer as JSON. Programs read the names of its fields, so they do not change. */
export function answerJson(answer: AuditAnswer): string {
  return jsonText(rowsOf(answer));
}

function rowsOf(answer: AuditAnswer): readonly object[] {
  switch (answer.kind) {
    case "grants":
      return answer.rows.map(grantJson);
    case "pod":
      return answer.rows.map((step) => Object.assign({ at: isoTime(step.at), what: step.what }, stepJson(step)));
    case "refusals":
      return answer.rows.map((row) => Object.assign({}, row, { first: isoTime(row.first), last: isoTime(row.last) }));
  }
}

function grantJson({ grant, sessions, origin }: GrantRow): object {
  const { namespace, pod, podUid, serviceAccount, container, role, issues, first, last } = grant;
  return {
    ...{ namespace, pod, podUid, serviceAccount, container, role, issues },
    ...{ first: isoTime(first), last: isoTime(last) },
    sessions: sessions.map(({ session, calls }) => ({
      accessKeyId: session.accessKeyId,
      sessionName: session.sessionName,
      expiration: session.expiration,
      first: isoTime(session.first),
      receivers: receiversJson(session),
      awsCalls: calls?.map(callJson),
    })),
    ...originJson(origin),
  };
}

function originJson({ admission, certificate, creation, tokenRequest }: Origin): object {
  return {
    admission: admission && {
      at: isoTime(admission.record.at),
      request: admission.record.request,
      user: admission.record.user,
      groups: admission.record.groups,
      owner: admission.record.owner,
      caller: admission.caller,
      exact: admission.isExact,
    },
    certificate: certificate && {
      at: isoTime(certificate.at),
      serial: certificate.serial,
      credentialId: certificate.credentialId,
      podCertificateRequest: certificate.podCertificateRequest,
    },
    apiServer: (creation || tokenRequest) && {
      auditId: creation?.auditId,
      user: creation?.user,
      impersonatedUser: creation?.impersonated,
      sourceIps: creation?.sourceIps,
      userAgent: creation?.userAgent,
      tokenAskedForBy: tokenRequest?.user,
    },
  };
}

function stepJson(step: PodStep): object {
  switch (step.what) {
    case "admitted":
      return originJson(step.origin);
    case "certificate": {
      const { podUid, serial, credentialId, podCertificateRequest, evidence, expiration, peer } = step.certificate;
      const proof = { credentialId, podCertificateRequest, evidence };
      return { podUid, serial, ...proof, expiration, peer, tokenAskedForBy: step.tokenRequestedBy };
    }
    case "credentials": {
      const { podUid, container, role } = step.grant;
      const { sessionName, accessKeyId, expiration } = step.session;
      return { podUid, container, role, sessionName, accessKeyId, expiration, receivers: receiversJson(step.session) };
    }
    case "aws": {
      const { podUid, container } = step.grant;
      return { podUid, container, accessKeyId: step.accessKeyId, ...callJson(step.call) };
    }
    case "refused": {
      const { kind, reason, message } = step.record;
      const container = step.record.kind === "credentials" ? step.record.container : undefined;
      const omitted = step.record.kind === "admission" ? undefined : step.record.omitted || undefined;
      return { kind, reason, message, container, omitted, caller: step.caller };
    }
  }
}

function receiversJson({ receivers }: Pick<Session, "receivers">): readonly object[] {
  return Array.from(receivers, ([address, { issues, first, last }]) => ({
    address,
    issues,
    first: isoTime(first),
    last: isoTime(last),
  }));
}

function callJson({ action, count, first, last, errors, sourceIps }: CallSum): object {
  return {
    ...{ action, count, first: isoTime(first), last: isoTime(last) },
    errors: Object.fromEntries(errors),
    sourceIps: [...sourceIps],
  };
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
