// The history of each grant of credentials, gathered from records in any order: one for each container of a pod
// instance and role, with the admission and the certificate that led to it. Memory grows with pods, not with renewals.
import { withoutPort } from "../../../protocol/calls-in-flight.ts";
import type { AdmissionRecord, AuditRecord, CertificateRecord, CredentialsRecord } from "../records/podrole-records.ts";

/** A session of STS, known by its access key ID. */
export interface Session {
  readonly accessKeyId: string;
  readonly sessionName: string | undefined;
  readonly expiration: string | undefined;
  /** Unix milliseconds. */
  first: number;
  /** Who received its credentials, by address: others than the pod's own may be thieves of its certificate. */
  readonly receivers: Map<string, Receiver>;
}

/** An address that received credentials of a session. */
export interface Receiver {
  /** How often. */
  issues: number;
  /** Unix milliseconds. */
  first: number;
  last: number;
}

/** Credentials of one role that one container of one pod instance received, however often. */
export interface GrantHistory {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string | undefined;
  readonly serviceAccount: string | undefined;
  readonly container: string;
  readonly role: string;
  /** How often credentials were issued, from the cache or from STS. */
  issues: number;
  /** Unix milliseconds of the first and the last issue. */
  first: number;
  last: number;
  /** By access key ID. */
  readonly sessions: Map<string, Session>;
}

/** An admission that may have created a pod. */
export interface MatchedAdmission {
  readonly record: AdmissionRecord;
  /** False if the pod was named after its admission: then this is the latest admission of the same generateName. */
  readonly isExact: boolean;
}

/** The grants so far, with what led to them. */
export interface GrantHistories {
  add(record: AuditRecord): void;
  /** In order of their first issue. */
  list(): readonly GrantHistory[];
  /** The latest certificate of the pod instance. */
  certificateOf(grant: Pick<GrantHistory, "podUid">): CertificateRecord | undefined;
  /**
   * Those that may have created the pod, likeliest first: of its name, then of its generateName, each the latest first.
   */
  admissionsOf(grant: Pick<GrantHistory, "namespace" | "pod" | "first">): readonly MatchedAdmission[];
}

/** Clocks of webhook and server may differ this much. */
export const MAX_CLOCK_SKEW_MS = 5_000;

/**
 * `matches` selects the issues; admissions and certificates are kept for all pods of `namespace`, or of every
 * namespace.
 */
export function createGrantHistories({
  matches,
  namespace,
}: {
  readonly matches: (record: CredentialsRecord) => boolean;
  readonly namespace?: string | undefined;
}): GrantHistories {
  const grants = new Map<string, GrantHistory>();
  const certificates = new Map<string, CertificateRecord>();
  const admissions = new Map<string, AdmissionRecord[]>();

  function addIssue(record: CredentialsRecord): void {
    const { at, namespace: ns, pod, podUid, serviceAccount, container, role, accessKeyId } = record;
    if (record.decision !== "issued" || ns === undefined || pod === undefined || role === undefined) return;
    if (!matches(record)) return;
    const key = JSON.stringify([ns, pod, podUid, container, role]);
    const grant = grants.get(key) ?? {
      ...{ namespace: ns, pod, podUid, serviceAccount, container: container ?? "", role },
      ...{ issues: 0, first: at, last: at, sessions: new Map<string, Session>() },
    };
    grants.set(key, grant);
    const issues = 1 + record.omitted;
    grant.issues += issues;
    grant.first = Math.min(grant.first, at);
    grant.last = Math.max(grant.last, at);
    if (accessKeyId === undefined) return;
    const { sessionName, expiration } = record;
    const receivers = new Map<string, Receiver>();
    const session = grant.sessions.get(accessKeyId) ?? { accessKeyId, sessionName, expiration, first: at, receivers };
    grant.sessions.set(accessKeyId, session);
    session.first = Math.min(session.first, at);
    if (record.peer !== undefined) addReceiver(session, withoutPort(record.peer), { issues, at });
  }

  function addReceiver({ receivers }: Session, address: string, { issues, at }: { issues: number; at: number }): void {
    const known = receivers.get(address) ?? { issues: 0, first: at, last: at };
    receivers.set(address, known);
    known.issues += issues;
    known.first = Math.min(known.first, at);
    known.last = Math.max(known.last, at);
  }

  function addAdmission(record: AdmissionRecord): void {
    // Whoever writes podrole's parts into a pod by hand can make the webhook skip it. Only a refusal creates no pod.
    if (record.decision === "refuse" || record.dryRun) return;
    const key = admissionKey(record);
    if (key === undefined) return;
    const known = admissions.get(key);
    if (known) known.push(record);
    else admissions.set(key, [record]);
  }

  function addCertificate(record: CertificateRecord): void {
    if (record.podUid === undefined || record.decision !== "issued") return;
    const known = certificates.get(record.podUid);
    // A server that starts repeats the lines of earlier certificates.
    if (known === undefined || (known.at <= record.at && known.serial !== record.serial)) {
      certificates.set(record.podUid, record);
    }
  }

  return {
    add(record) {
      if (record.kind === "credentials") return addIssue(record);
      if (namespace !== undefined && record.namespace !== namespace) return;
      if (record.kind === "admission") return addAdmission(record);
      addCertificate(record);
    },
    list: () => [...grants.values()].toSorted((a, b) => a.first - b.first),
    certificateOf: ({ podUid }) => (podUid === undefined ? undefined : certificates.get(podUid)),
    admissionsOf({ namespace: ns, pod, first }) {
      const latestFirst = (key: string, isExact: boolean) =>
        (admissions.get(key) ?? [])
          .filter(({ at }) => at <= first + MAX_CLOCK_SKEW_MS)
          .toReversed()
          .toSorted((a, b) => b.at - a.at)
          .map((record) => ({ record, isExact }));
      const stem = pod.slice(0, -SUFFIX_LENGTH);
      return [...latestFirst(`${ns}/${pod}`, true), ...latestFirst(`${ns}/${stem}*`, false)];
    },
  };
}

/** The API server builds a name from the first 58 characters of generateName and five random ones. */
const SUFFIX_LENGTH = 5;
const GENERATE_NAME_STEM_LENGTH = 58;

/** "namespace/name", or "namespace/stem*" for a pod whose name the API server generates after admission. */
function admissionKey({ namespace, pod, generateName }: AdmissionRecord): string | undefined {
  if (pod !== undefined) return `${namespace}/${pod}`;
  return generateName === undefined ? undefined : `${namespace}/${generateName.slice(0, GENERATE_NAME_STEM_LENGTH)}*`;
}
