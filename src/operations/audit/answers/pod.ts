// "What did pod P use?": everything about one pod in order of time, from its admission to the AWS calls made with its
// credentials. Every instance of a recreated pod is included.

import { isRefusalRecord, type Joins, type Question } from "../question.ts";
import type { CallSum } from "../records/aws-calls.ts";
import type { AuditRecord, CertificateRecord } from "../records/podrole-records.ts";
import { type CallerTrust, callerTrustOf } from "./caller-trust.ts";
import { createGrantHistories, type GrantHistories, type GrantHistory, type Session } from "./grant-histories.ts";
import { type BelievedAdmission, joinKeysOf, type Origin, originOf, sessionsOf } from "./origin.ts";

/** `at` is Unix milliseconds. */
export type PodStep = { readonly at: number } & (
  | { readonly what: "admitted"; readonly admission: BelievedAdmission; readonly origin: Origin }
  | {
      readonly what: "certificate";
      readonly certificate: CertificateRecord;
      /** User that requested the token, from the API server's audit log. */
      readonly tokenRequestedBy: string | undefined;
    }
  | { readonly what: "credentials"; readonly grant: Readonly<GrantHistory>; readonly session: Readonly<Session> }
  | {
      readonly what: "aws";
      readonly grant: Readonly<GrantHistory>;
      readonly accessKeyId: string;
      readonly call: CallSum;
    }
  /** `caller` is undefined unless the webhook refused. */
  | { readonly what: "refused"; readonly record: AuditRecord; readonly caller: CallerTrust | undefined }
);

/** What happened to a pod, in order of time. */
export interface PodAnswer {
  readonly kind: "pod";
  readonly rows: readonly PodStep[];
}

/** Creates the question about the pods of this name; a recreated pod has several instances. */
export function createPodQuestion({
  namespace,
  pod,
}: {
  readonly namespace: string;
  readonly pod: string;
}): Question<PodAnswer> {
  const isOfPod = (record: AuditRecord) => record.namespace === namespace && record.pod === pod;
  const grants = createGrantHistories({ matches: isOfPod, namespace });
  const refusals: AuditRecord[] = [];
  const certificates: CertificateRecord[] = [];
  return {
    add(record) {
      grants.add(record);
      if (!isOfPod(record)) return;
      if (isRefusalRecord(record)) refusals.push(record);
      else if (record.kind === "certificate") certificates.push(record);
    },
    joinKeys() {
      const keys = joinKeysOf(grants);
      for (const record of refusals) if (record.kind === "admission") keys.requests.add(record.request ?? "");
      for (const { credentialId } of certificates) if (credentialId !== undefined) keys.credentialIds.add(credentialId);
      return keys;
    },
    answer(joins) {
      const steps = [
        ...grants.list().flatMap((grant) => admissionSteps(grants, grant, joins)),
        ...grants.list().flatMap((grant) => issueSteps(grant, joins)),
        // Of several lines of one certificate the first remains.
        ...certificates.toSorted((a, b) => b.at - a.at).map((certificate) => certificateStep(certificate, joins)),
        ...refusals.map((record) => refusalStep(record, joins)),
      ];
      return { kind: "pod", rows: withoutDuplicates(steps).toSorted(byTime) };
    },
  };
}

function admissionSteps(grants: GrantHistories, grant: GrantHistory, joins: Joins): PodStep[] {
  const origin = originOf(grants, grant, joins);
  const { admission } = origin;
  return admission === undefined ? [] : [{ at: admission.record.at, what: "admitted", admission, origin }];
}

function certificateStep(certificate: CertificateRecord, { api }: Joins): PodStep {
  const tokenRequestedBy = api?.token(certificate.credentialId)?.user;
  return { at: certificate.at, what: "certificate", certificate, tokenRequestedBy };
}

function refusalStep(record: AuditRecord, { api }: Joins): PodStep {
  const caller = record.kind === "admission" ? callerTrustOf(record, api) : undefined;
  return { at: record.at, what: "refused", record, caller };
}

function issueSteps(grant: GrantHistory, joins: Joins): PodStep[] {
  return sessionsOf(grant, joins).flatMap(({ session, calls = [] }) => {
    const { accessKeyId } = session;
    const steps: PodStep[] = [{ at: session.first, what: "credentials", grant, session }];
    return steps.concat(calls.map((call) => ({ at: call.first, what: "aws", grant, accessKeyId, call })));
  });
}

/** The order in which things must have happened. */
const STEP_SEQUENCE: readonly PodStep["what"][] = ["admitted", "certificate", "credentials", "aws", "refused"];

/** CloudTrail has whole seconds only, so steps within one second are put into their necessary order. */
function byTime(a: PodStep, b: PodStep): number {
  const seconds = Math.floor(a.at / 1000) - Math.floor(b.at / 1000);
  return seconds || STEP_SEQUENCE.indexOf(a.what) - STEP_SEQUENCE.indexOf(b.what) || a.at - b.at;
}

/** Containers of one pod share its admission, and a log may be given twice. */
function withoutDuplicates(steps: readonly PodStep[]): readonly PodStep[] {
  return [...new Map(steps.map((step) => [JSON.stringify(identityOf(step)), step])).values()];
}

function identityOf(step: PodStep): unknown {
  switch (step.what) {
    case "admitted":
      return [step.what, step.admission.record];
    case "certificate":
      return [step.what, step.certificate.serial ?? step.certificate];
    case "credentials":
      return [step.what, step.grant.podUid, step.grant.container, step.grant.role, step.session.accessKeyId];
    case "aws":
      return [step.what, step.grant.podUid, step.grant.container, step.accessKeyId, step.call.action];
    case "refused":
      return [step.what, step.record];
  }
}
