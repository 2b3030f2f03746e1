// The credentials port's use case: find the pod, decide each container's role (decide-containers.ts), get the
// credentials, record each result. It runs at every issuance and decides anew, whatever the webhook decided at
// admission. It has no state of its own beyond a request.
import type { PodIdentity } from "../../pki/identity.ts";
import { type AssumeRoleInput, assumeRoleInput, type PolicySettings } from "../../policy/decide.ts";
import type { RoleArn } from "../../policy/role.ts";
import { sessionPolicyConfigMap } from "../../policy/session-policy.ts";
import { overloadedError, withoutPort } from "../../protocol/calls-in-flight.ts";
import { type ErrorInfo, isRefusal, PodroleError, type Refusal, toPodroleError } from "../../protocol/errors.ts";
import type { Audit } from "../../runtime/log.ts";
import { sampledFields } from "../../runtime/sampler.ts";
import type { CredentialCache, RequestingPod } from "../aws/credential-cache.ts";
import type { SessionCredentials } from "../aws/sts.ts";
import { circumstancesOf } from "./circumstances.ts";
import { type ContainerDecision, createJudge, decideContainers } from "./decide-containers.ts";
import type { RecordRefusal } from "./events.ts";
import type { PodDirectory, PodInContext } from "./pod-directory.ts";
import { EVERY_LINE, type RepeatSampler } from "./repeat-sampler.ts";
import { NO_OBSERVER, type ResultObserver } from "./result-observer.ts";
import type { ReadSessionPolicy } from "./session-policy-reader.ts";
import { podFields } from "./verify-proof.ts";

export interface CredentialIssuerDeps {
  readonly audit: Audit;
  readonly directory: Pick<PodDirectory, "find" | "confirm">;
  readonly cache: Pick<CredentialCache, "get" | "prefetch">;
  /** Reads the session policy that a pod names. */
  readonly readSessionPolicy: ReadSessionPolicy;
  /** Shows a container's refusal on its pod (an Event); must not throw. */
  readonly recordRefusal: RecordRefusal;
  readonly policy: () => PolicySettings;
  /** Chooses which of the audit lines that repeat earlier ones are written; by default all. */
  readonly repeats?: Pick<RepeatSampler, "write">;
  /** Follows each result; by default nobody does. */
  readonly observer?: Omit<ResultObserver, "reported" | "requested">;
}

/**
 * The result for one container of the pod: the content of a Grant on the wire. `remainingMs`: until the session
 * expires.
 */
export type IssueResult = { readonly container: string } & (
  | { readonly credentials: SessionCredentials; readonly remainingMs: number; readonly role: RoleArn }
  | { readonly refusal: ErrorInfo & { readonly retryAfterMs?: number | undefined } }
);

export interface CredentialIssuer {
  /**
   * Resolves with one result per requested container. Rejects with PodroleError if the pod as a whole is refused
   * (POD_UNKNOWN, POD_FINISHED, POD_NOT_INJECTED) or cannot be looked up (KUBERNETES_UNAVAILABLE). `peer` is for the
   * audit trail. `signal`: aborts when the caller has left; then no credentials are fetched, and it rejects with
   * SERVER_OVERLOADED.
   */
  issue(
    identity: PodIdentity,
    containers: readonly string[],
    peer: string,
    signal?: AbortSignal,
  ): Promise<readonly IssueResult[]>;
  /** Calls AssumeRole for every role that the pod may have; resolves when every call has ended, and never rejects. */
  prefetch(identity: PodIdentity, found: PodInContext): Promise<void>;
}

/** Builds the use case. */
export function createCredentialIssuer({
  audit,
  directory,
  cache,
  readSessionPolicy,
  recordRefusal,
  policy,
  repeats = EVERY_LINE,
  observer = NO_OBSERVER,
}: CredentialIssuerDeps): CredentialIssuer {
  const judge = createJudge(policy);

  async function issueOne(identity: PodIdentity, decision: ContainerDecision, peer: string): Promise<IssueResult> {
    const { container } = decision;
    if ("refusal" in decision) {
      const { refusal, isUnknown } = decision;
      return isUnknown ? refusedResult(container, refusal) : recordedRefusal(identity, container, refusal, peer);
    }
    const { role, found } = decision;
    try {
      const input = await withSessionPolicy(decision.input, found, role);
      if (isRefusal(input)) return recordedRefusal(identity, container, input, peer, role.arn);
      const { credentials, remainingMs, outcome } = await cache.get(input, requestingPod(identity, found));
      const { roleArn, sessionName } = input;
      const session = { role: roleArn, sessionName, outcome, peer, ...sessionFields(credentials) };
      auditIssue(identity, container, session);
      observer.issued(identity, container, { role: roleArn, remainingMs });
      return { container, credentials, remainingMs, role };
    } catch (thrown) {
      return recordedRefusal(identity, container, toPodroleError(thrown), peer, role.arn);
    }
  }

  /** Computed once for each look-up of the pod, and not for each of its containers. */
  const requestingPods = new WeakMap<PodInContext, RequestingPod>();
  function requestingPod({ namespace, uid }: PodIdentity, found: PodInContext): RequestingPod {
    const known = requestingPods.get(found) ?? { namespace, uid, circumstances: circumstancesOf(found) };
    requestingPods.set(found, known);
    return known;
  }

  /** The AssumeRole input, with the session policy from the pod's namespace if the pod names one. */
  async function withSessionPolicy(
    input: AssumeRoleInput,
    { facts }: PodInContext,
    role: RoleArn,
  ): Promise<AssumeRoleInput | Refusal> {
    const configMap = sessionPolicyConfigMap(facts);
    if (configMap === undefined) return input;
    if (isRefusal(configMap)) return configMap;
    const text = await readSessionPolicy(facts.namespace, configMap);
    return assumeRoleInput(facts, role, policy(), { text });
  }

  /** Drops errors, because issue() meets and reports the same ones. */
  async function prefetchOne(identity: PodIdentity, decision: ContainerDecision): Promise<void> {
    if ("refusal" in decision) return;
    const { found, role, input } = decision;
    try {
      const whole = await withSessionPolicy(input, found, role);
      if (!isRefusal(whole)) await cache.prefetch(whole, requestingPod(identity, found));
    } catch {}
  }

  function recordedRefusal(
    identity: PodIdentity,
    container: string,
    refusal: Refusal,
    peer: string,
    role?: string,
  ): IssueResult {
    observer.refused(identity, container, refusal, role);
    auditRefusal(identity, [container], refusal, { peer, role, subject: container });
    recordRefusal(identity, { code: refusal.code, message: refusal.message });
    return refusedResult(container, refusal);
  }

  /**
   * Never gets the credentials themselves, because the line may be written later. A session that could not be renewed
   * is no repetition of itself: its first line tells when that began. A call from another address is no repetition
   * either: a stolen certificate may be in use there.
   */
  function auditIssue(identity: PodIdentity, container: string, session: SessionLine): void {
    const { accessKeyId, outcome, peer } = session;
    const kind = outcome === "stale" ? "stale" : "issued";
    const key = [kind, identity.uid, container, accessKeyId, withoutPort(peer)].join(" ");
    repeats.write({ namespace: identity.namespace, key }, (omitted) => {
      const line = { decision: "issued", ...session, ...sampledFields(omitted) } as const;
      audit({ ...containerFields(identity, container), ...line });
    });
  }

  /**
   * Writes one line about the first container, with the number of the others. `subject`: the container of the pod that
   * is refused; absent if the pod as a whole is, or names that the caller chose.
   */
  function auditRefusal(
    identity: PodIdentity,
    [first = "", ...others]: readonly string[],
    { code, message }: Refusal,
    { peer, role, subject }: { readonly peer: string; readonly role?: string | undefined; readonly subject?: string },
  ): void {
    const containersOmitted = others.length > 0 ? others.length : undefined;
    const key = ["refused", identity.uid, code, role, subject, withoutPort(peer)].join(" ");
    repeats.write({ namespace: identity.namespace, key }, (omitted) => {
      const line = { decision: "refused", reason: code, message, role, containersOmitted, peer } as const;
      audit({ ...containerFields(identity, first), ...line, ...sampledFields(omitted) });
    });
  }

  /** A pod that cannot be looked up is refused as a whole, which observers of its start have to learn. */
  async function decide(identity: PodIdentity, containers: readonly string[]) {
    try {
      return await decideContainers({ directory, judge }, identity, containers);
    } catch (thrown) {
      if (containers.length > 0) observer.refused(identity, undefined, toPodroleError(thrown));
      throw thrown;
    }
  }

  return {
    async issue(identity, containers, peer, signal) {
      const decisions = await decide(identity, containers);
      if (signal?.aborted) throw overloadedError("Cannot issue credentials: the caller has left");
      if (isRefusal(decisions)) {
        const { code, message } = decisions;
        if (containers.length > 0) {
          auditRefusal(identity, containers, decisions, { peer });
          observer.refused(identity, undefined, decisions);
          // A pod that is gone or has finished needs no Event.
          if (code === "POD_NOT_INJECTED") recordRefusal(identity, { code, message });
        }
        throw new PodroleError(code, message);
      }
      // A caller may name any containers, so those that the pod does not have get one line and one Event together.
      const unknown = decisions.filter((decision) => "refusal" in decision && decision.isUnknown);
      const [first] = unknown;
      if (first && "refusal" in first) {
        const names = unknown.map(({ container }) => container);
        auditRefusal(identity, names, first.refusal, { peer });
        recordRefusal(identity, { code: first.refusal.code, message: first.refusal.message });
        observer.refusedUnknown(identity, first.refusal);
      }
      return Promise.all(decisions.map((decision) => issueOne(identity, decision, peer)));
    },
    async prefetch(identity, found) {
      const decisions = judge(found, found.facts.containers);
      await Promise.all(decisions.map((decision) => prefetchOne(identity, decision)));
    },
  };
}

function refusedResult(container: string, refusal: Refusal): IssueResult {
  const { code, message } = refusal;
  const retryAfterMs = refusal instanceof PodroleError ? refusal.retryAfterMs : undefined;
  return { container, refusal: { code, message, retryAfterMs } };
}

/** What an audit line says about a session, and who received it. */
type SessionLine = Readonly<Record<"role" | "sessionName" | "outcome" | "peer", string>> &
  ReturnType<typeof sessionFields>;

/** The fields of an audit line that name the container. */
function containerFields(identity: PodIdentity, container: string) {
  return { audit: "credentials", ...podFields(identity), container } as const;
}

function sessionFields({ accessKeyId, expiresAtMs, packedPolicySize }: SessionCredentials) {
  return { accessKeyId, expiration: new Date(expiresAtMs).toISOString(), packedPolicySize };
}
