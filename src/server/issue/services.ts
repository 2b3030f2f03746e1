// The two gRPC services (proto/podrole/v1/podrole.proto): they turn messages into calls of the use cases, and results
// into messages. Nothing is decided here. Session secrets leave the server in toMessage().

import { bundleHash } from "../../pki/bundle.ts";
import { quoted } from "../../policy/annotations.ts";
import { MAX_CONTAINERS_WITH_ROLE } from "../../policy/containers.ts";
import { type CallCaller, type CallsInFlight, podCaller } from "../../protocol/calls-in-flight.ts";
import { PodroleError } from "../../protocol/errors.ts";
import {
  CredentialsService,
  type Grant as GrantMessage,
  type Holding,
  IdentityService,
} from "../../protocol/generated/podrole/v1/podrole.ts";
import { type Peer, unary } from "../../protocol/listener.ts";
import { isDnsLabel } from "../../runtime/dns-names.ts";
import { Secret } from "../../runtime/secret.ts";
import type { AccompanyingCredentials } from "./accompanying-credentials.ts";
import type { IdentifyCaller } from "./identify-caller.ts";
import type { IssueCertificate } from "./issue-certificate.ts";
import type { CredentialIssuer, IssueResult } from "./issue-credentials.ts";
import { readReportedHoldings } from "./reported-holdings.ts";
import { NO_OBSERVER, type ResultObserver } from "./result-observer.ts";

export interface ServiceDeps {
  /** The trust bundle that replies carry. */
  readonly bundlePem: () => string;
  /** Called for every call that ends in an error. */
  readonly onFailure: (error: PodroleError, peer: Peer) => void;
  /** Bounds the calls of the port. */
  readonly inFlight?: CallsInFlight;
  /** Receives what pods report that they hold, and what they request, before their call is answered. */
  readonly observer?: Pick<ResultObserver, "reported" | "requested">;
}

/**
 * What the identity port's service needs; `onProven` receives each peer, "ip:port", whose token was accepted, with its
 * pod.
 */
export interface IdentityServiceDeps extends ServiceDeps {
  readonly issue: IssueCertificate;
  readonly accompany: AccompanyingCredentials;
  readonly onProven?: (peer: string, pod?: CallCaller) => void;
}

/**
 * The identity port's service: a ServiceAccount token and a CSR for a certificate and the trust bundle, and for the
 * grants of the requested containers if there are any soon.
 */
export function identityService({
  bundlePem,
  onFailure,
  inFlight,
  observer = NO_OBSERVER,
  issue,
  accompany,
  onProven,
}: IdentityServiceDeps) {
  const bundleFor = createBundleReply(bundlePem);
  const issueCertificate = unary(
    async (request: IssueRequest, peer, signal, countFor) => {
      const { token, certificateSigningRequest: csr } = request;
      const { pem, pod } = await issue(new Secret(token), csr, peer.address, signal);
      onProven?.(peer.address, pod && podCaller(pod.identity));
      // It may wait for STS now. When places are scarce it gets its certificate without waiting, so that the pods of
      // one namespace cannot keep the others from theirs.
      const wait = new AbortController();
      if (pod) {
        countFor(podCaller(pod.identity), () => wait.abort());
        observer.reported(pod.identity, readReportedHoldings(request.holdings));
      }
      const containers = [...new Set(request.containers)];
      // The credentials port refuses such a request.
      const isValid = findNamesProblem(containers) === undefined;
      if (pod && isValid) observer.requested(pod.identity, containers);
      const results = pod && isValid ? await accompany(pod, containers, peer.address, wait.signal) : [];
      return { certificate: pem, bundle: bundleFor(request.bundleHash), grants: results.map(toMessage) };
    },
    onFailure,
    inFlight,
  );
  return { service: IdentityService, implementation: { issueCertificate } };
}

interface IssueRequest {
  readonly token: string;
  readonly certificateSigningRequest: Uint8Array;
  readonly bundleHash: string;
  readonly containers: readonly string[];
  readonly holdings: readonly Holding[];
}

interface CredentialsRequest {
  readonly containers: readonly string[];
  readonly holdings: readonly Holding[];
  readonly bundleHash: string;
}

/** What the credentials port's service needs; `callerOf` names the pod that has a share of the port. */
export interface CredentialsServiceDeps extends ServiceDeps {
  readonly issuer: CredentialIssuer;
  readonly identify: IdentifyCaller;
  readonly callerOf?: (peer: Peer) => CallCaller | undefined;
}

/** The credentials port's service: a client certificate for one grant per requested container. */
export function credentialsService({
  bundlePem,
  onFailure,
  inFlight,
  observer = NO_OBSERVER,
  issuer,
  identify,
  callerOf,
}: CredentialsServiceDeps) {
  const bundleFor = createBundleReply(bundlePem);
  const getCredentials = unary(
    async ({ containers, bundleHash: hash, holdings }: CredentialsRequest, peer, signal) => {
      const identity = identify(peer);
      const problem = findNamesProblem(containers);
      if (problem !== undefined) {
        throw new PodroleError("REQUEST_INVALID", `Cannot issue credentials: the request names ${problem}`);
      }
      const names = [...new Set(containers)];
      observer.reported(identity, readReportedHoldings(holdings));
      observer.requested(identity, names);
      const results = await issuer.issue(identity, names, peer.address, signal);
      return { grants: results.map(toMessage), bundle: bundleFor(hash) };
    },
    onFailure,
    inFlight,
    callerOf,
  );
  return { service: CredentialsService, implementation: { getCredentials } };
}

/**
 * Names reach Events, logs and audit records; those of containers are DNS labels. Without a limit of their number, one
 * request could cause thousands of STS calls.
 */
function findNamesProblem(containers: readonly string[]): string | undefined {
  if (containers.length > MAX_CONTAINERS_WITH_ROLE)
    return `${containers.length} containers; expected at most ${MAX_CONTAINERS_WITH_ROLE}`;
  const odd = containers.find((name) => !isDnsLabel(name));
  return odd === undefined ? undefined : `the container ${quoted(odd)}; expected a DNS label`;
}

/** Returns the bundle for a caller, or "" if the caller has it already. Hashes once per change of the bundle. */
function createBundleReply(bundlePem: () => string): (callerHash: string) => string {
  let hashed = { pem: "", hash: "" };
  return (callerHash) => {
    const pem = bundlePem();
    if (pem !== hashed.pem) hashed = { pem, hash: bundleHash(pem) };
    return callerHash === hashed.hash ? "" : pem;
  };
}

function toMessage(result: IssueResult): GrantMessage {
  if ("refusal" in result) {
    const { code, message, retryAfterMs } = result.refusal;
    const refusal = { code, message, retryAfterMs: Math.ceil(retryAfterMs ?? 0) };
    return { container: result.container, result: { $case: "refusal", refusal } };
  }
  const { credentials, remainingMs, role } = result;
  return {
    container: result.container,
    result: {
      $case: "credentials",
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey.reveal(),
        sessionToken: credentials.sessionToken.reveal(),
        issuedAtMs: credentials.issuedAtMs,
        expiresAtMs: credentials.expiresAtMs,
        remainingMs: Math.max(1, Math.floor(remainingMs)),
        roleArn: role.arn,
        accountId: role.accountId,
      },
    },
  };
}
