// The two gRPC services: messages in, use cases called, messages out. Nothing is decided here.
import { type Peer, unary } from "../protocol/listener.ts";
import {
  CredentialsService,
  type Grant as GrantMessage,
  IdentityService,
} from "../protocol/generated/podrole/v1/podrole.ts";
import { bundleHash } from "../pki/bundle.ts";
import { podIdentityOf } from "../pki/identity.ts";
import { PodroleError } from "../protocol/errors.ts";
import { Secret } from "../runtime/secret.ts";
import type { IssueCertificate } from "./issue/issue-certificate.ts";
import type { CredentialIssuer, Grant } from "./issue/issue-credentials.ts";

export interface ServiceDeps {
  readonly bundlePem: () => string;
  /** Every call that ended in an error: log and metric. */
  readonly onFailure: (error: PodroleError, peer: Peer) => void;
}

export function identityService({ bundlePem, onFailure, issue }: ServiceDeps & { readonly issue: IssueCertificate }) {
  const bundleFor = createBundleAnswer(bundlePem);
  const issueCertificate = unary(async (request: IssueRequest, peer) => {
    const { pem } = await issue(new Secret(request.token), request.certificateSigningRequest, peer.address);
    return { certificate: pem, bundle: bundleFor(request.bundleHash) };
  }, onFailure);
  return { service: IdentityService, implementation: { issueCertificate } };
}

interface IssueRequest {
  readonly token: string;
  readonly certificateSigningRequest: Uint8Array;
  readonly bundleHash: string;
}

interface CredentialsRequest {
  readonly containers: readonly string[];
  readonly bundleHash: string;
}

/** More containers than any pod has; a limit so that one call cannot make thousands of STS calls. */
const MOST_CONTAINERS = 128;

export function credentialsService({
  bundlePem,
  onFailure,
  issuer,
  trustDomain,
}: ServiceDeps & { readonly issuer: CredentialIssuer; readonly trustDomain: string }) {
  const bundleFor = createBundleAnswer(bundlePem);
  const getCredentials = unary(async ({ containers, bundleHash: hash }: CredentialsRequest, peer) => {
    const identity = identify(peer, trustDomain);
    if (containers.length > MOST_CONTAINERS) {
      throw new PodroleError("REQUEST_INVALID", `Cannot give credentials: ${containers.length} containers were named`);
    }
    const grants = await issuer.issue(identity, [...new Set(containers)], peer.address);
    return { grants: grants.map(toMessage), bundle: bundleFor(hash) };
  }, onFailure);
  return { service: CredentialsService, implementation: { getCredentials } };
}

function identify({ certificate }: Peer, trustDomain: string) {
  if (certificate === undefined) {
    throw new PodroleError("CERTIFICATE_REJECTED", "Cannot identify the caller: it showed no client certificate");
  }
  const identity = podIdentityOf(certificate, trustDomain);
  if ("code" in identity) throw new PodroleError(identity.code, identity.message);
  return identity;
}

/** The bundle for a caller: empty when it has it already. Hashed once for each change of the bundle. */
function createBundleAnswer(bundlePem: () => string): (callerHash: string) => string {
  let hashed = { pem: "", hash: "" };
  return (callerHash) => {
    const pem = bundlePem();
    if (pem !== hashed.pem) hashed = { pem, hash: bundleHash(pem) };
    return callerHash === hashed.hash ? "" : pem;
  };
}

function toMessage(grant: Grant): GrantMessage {
  if ("refusal" in grant) {
    const { code, message, retryAfterMs } = grant.refusal;
    const refusal = { code, message, retryAfterMs: Math.ceil(retryAfterMs ?? 0) };
    return { container: grant.container, result: { $case: "refusal", refusal } };
  }
  const { credentials, role } = grant;
  return {
    container: grant.container,
    result: {
      $case: "credentials",
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey.reveal(),
        sessionToken: credentials.sessionToken.reveal(),
        issuedAtMs: credentials.issuedAt,
        expiresAtMs: credentials.expiresAt,
        roleArn: role.arn,
        accountId: role.accountId,
      },
    },
  };
}
