// Who got which credentials, gathered from records in any order: one use for each container of a pod instance and role,
// and beside it the admission and the proof that led to it. Memory grows with pods, not with renewals.
import type { AdmissionRecord, AuditRecord, CertificateRecord, CredentialsRecord } from "./records.ts";

export interface Session {
  readonly accessKeyId: string;
  readonly sessionName: string | undefined;
  readonly expiration: string | undefined;
  first: number;
}

export interface Use {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string | undefined;
  readonly serviceAccount: string | undefined;
  readonly container: string;
  readonly role: string;
  /** Times that credentials were given, from memory or from STS. */
  issues: number;
  first: number;
  last: number;
  /** By access key id. */
  readonly sessions: Map<string, Session>;
}

export interface Origin {
  readonly admission: AdmissionRecord;
  /** False: the pod was named after admission, and this is the last one of its owner that fits. */
  readonly exact: boolean;
}

export interface Uses {
  hear(record: AuditRecord): void;
  /** In order of their first issue. */
  list(): readonly Use[];
  /** The proof that the instance showed last. */
  proof(use: Pick<Use, "podUid">): CertificateRecord | undefined;
  origin(use: Pick<Use, "namespace" | "pod" | "first">): Origin | undefined;
}

/** Clocks of webhook and server differ a little. */
const SKEW_MS = 5_000;

/** `wants` chooses the issues; admissions and proofs are kept for all pods of `namespace`, or of every namespace. */
export function createUses({
  wants,
  namespace,
}: {
  readonly wants: (record: CredentialsRecord) => boolean;
  readonly namespace?: string | undefined;
}): Uses {
  const uses = new Map<string, Use>();
  const proofs = new Map<string, CertificateRecord>();
  const admissions = new Map<string, AdmissionRecord[]>();

  function use(record: CredentialsRecord): void {
    const { at, namespace: ns, pod, podUid, serviceAccount, container, role, accessKeyId } = record;
    if (record.decision !== "issued" || ns === undefined || pod === undefined || role === undefined) return;
    if (!wants(record)) return;
    const key = JSON.stringify([ns, pod, podUid, container, role]);
    const known = uses.get(key) ?? {
      ...{ namespace: ns, pod, podUid, serviceAccount, container: container ?? "", role },
      ...{ issues: 0, first: at, last: at, sessions: new Map<string, Session>() },
    };
    uses.set(key, known);
    known.issues += 1;
    known.first = Math.min(known.first, at);
    known.last = Math.max(known.last, at);
    if (accessKeyId === undefined) return;
    const { sessionName, expiration } = record;
    const session = known.sessions.get(accessKeyId) ?? { accessKeyId, sessionName, expiration, first: at };
    known.sessions.set(accessKeyId, session);
    session.first = Math.min(session.first, at);
  }

  function admission(record: AdmissionRecord): void {
    if (record.decision !== "inject" || record.dryRun) return;
    const place = placeOf(record);
    if (place === undefined) return;
    const there = admissions.get(place);
    if (there) there.push(record);
    else admissions.set(place, [record]);
  }

  return {
    hear(record) {
      if (record.kind === "credentials") return use(record);
      if (namespace !== undefined && record.namespace !== namespace) return;
      if (record.kind === "admission") return admission(record);
      if (record.podUid === undefined || record.decision !== "issued") return;
      const held = proofs.get(record.podUid);
      if (held === undefined || held.at <= record.at) proofs.set(record.podUid, record);
    },
    list: () => [...uses.values()].toSorted((a, b) => a.first - b.first),
    proof: ({ podUid }) => (podUid === undefined ? undefined : proofs.get(podUid)),
    origin({ namespace: ns, pod, first }) {
      const before = ({ at }: AdmissionRecord) => at <= first + SKEW_MS;
      const latest = (place: string) =>
        admissions
          .get(place)
          ?.filter(before)
          .reduce<AdmissionRecord | undefined>((held, next) => (held && held.at > next.at ? held : next), undefined);
      const named = latest(`${ns}/${pod}`);
      if (named) return { admission: named, exact: true };
      const generated = latest(`${ns}/${pod.slice(0, -SUFFIX_LENGTH)}*`);
      return generated && { admission: generated, exact: false };
    },
  };
}

/** The API server makes a name of the first 58 characters of generateName and five random ones. */
const SUFFIX_LENGTH = 5;
const LONGEST_STEM = 58;

function placeOf({ namespace, pod, generateName }: AdmissionRecord): string | undefined {
  if (pod !== undefined) return `${namespace}/${pod}`;
  return generateName === undefined ? undefined : `${namespace}/${generateName.slice(0, LONGEST_STEM)}*`;
}
