// A server that behaves like podrole's towards a sidecar: real gRPC, real mutual TLS, real certificates. The test sets
// its answers. `restart()` starts it again on the same ports.
import { createPublicKey, type KeyObject } from "node:crypto";
import { after, beforeEach } from "node:test";
import { bundleHash } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority, issueCertificate } from "../../src/pki/certificate.ts";
import { readCsr } from "../../src/pki/csr.ts";
import { formatSpiffeId } from "../../src/pki/identity.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { isRefusal, PodroleError } from "../../src/protocol/errors.ts";
import {
  CredentialsService,
  type GetCredentialsRequest,
  type GetCredentialsResponse,
  type Grant,
  IdentityService,
  type IssueCertificateRequest,
  type IssueCertificateResponse,
} from "../../src/protocol/generated/podrole/v1/podrole.ts";
import { createListener, type Listener, unary } from "../../src/protocol/listener.ts";
import type { TlsSource } from "../../src/protocol/tls.ts";
import { type Clock, HOUR_MS, systemClock } from "../../src/runtime/clock.ts";

export interface FakeServer {
  readonly identityPort: number;
  readonly credentialsPort: number;
  readonly bundlePem: string;
  /** The requests in order: "certificate" or "credentials". */
  readonly calls: ("certificate" | "credentials")[];
  readonly tokens: string[];
  readonly bundleHashes: string[];
  /** Grants every container credentials; the answer until a test sets another one. */
  readonly defaultGrant: (container: string, call: number) => Grant;
  /** Returns the answer for a container; may throw a PodroleError for the whole call. */
  grant: (container: string, call: number) => Grant | Promise<Grant>;
  /** What the identity port throws; if undefined, it issues a certificate. */
  refuseProof: PodroleError | undefined;
  certificateLifetimeMs: number;
  /** Whether the identity port returns grants with the certificate. */
  accompanies: boolean;
  /** Bundle in answers to callers that have another one. */
  newBundle: string | undefined;
  /** Returns a key and its certificate as the kubelet writes them for a podCertificate volume. */
  credentialBundle(): string;
  /** Forgets the requests, and answers as it did at first. */
  reset(): void;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts a server for the tests of one file, before each of which it is reset. */
export async function shareFakeServer(clock?: Clock): Promise<FakeServer> {
  const server = await startFakeServer(clock);
  beforeEach(() => server.reset());
  after(() => server.stop());
  return server;
}

export async function startFakeServer(clock: Clock = systemClock): Promise<FakeServer> {
  const authority = createAuthority({ commonName: "fake CA", now: clock.now(), lifetimeMs: 1000 * HOUR_MS });
  const tls = servingTls(authority, clock.now());
  let listeners: readonly Listener[] = [];
  let ports = [0, 0] as readonly [number, number];

  async function start(): Promise<void> {
    const options = { tls, graceMs: 100 };
    const identity = createListener(
      {
        clock: systemClock,
        service: IdentityService,
        implementation: { issueCertificate: unary(issue, () => {}) },
      },
      { ...options, address: { host: "127.0.0.1", port: ports[0] }, requireClientCertificate: false },
    );
    const credentials = createListener(
      {
        clock: systemClock,
        service: CredentialsService,
        implementation: { getCredentials: unary(answer, () => {}) },
      },
      { ...options, address: { host: "127.0.0.1", port: ports[1] }, requireClientCertificate: true },
    );
    ports = [await identity.listen(), await credentials.listen()];
    listeners = [identity, credentials];
  }

  async function issue(request: IssueCertificateRequest): Promise<IssueCertificateResponse> {
    server.calls.push("certificate");
    server.tokens.push(request.token);
    server.bundleHashes.push(request.bundleHash);
    if (server.refuseProof) throw server.refuseProof;
    const publicKey = readCsr(request.certificateSigningRequest);
    if (isRefusal(publicKey)) throw new PodroleError(publicKey.code, publicKey.message);
    const certificate = certify(publicKey);
    const grants = server.accompanies ? await grantsOf(request.containers) : [];
    return { certificate, bundle: bundleFor(request.bundleHash), grants };
  }

  function certify(publicKey: KeyObject): string {
    const pod = { trustDomain: "cluster.local", namespace: "team", serviceAccount: "app", name: "web", uid: "u-1" };
    return issueCertificate({
      authority,
      publicKey,
      subject: { kind: "pod", uri: formatSpiffeId(pod) },
      // TLS checks the real time, whatever the test's clock says: the certificate is valid from the real time until the
      // expiry that the test's clock gives.
      now: Date.now(),
      lifetimeMs: clock.now() - Date.now() + server.certificateLifetimeMs,
    }).pem;
  }

  async function answer(request: GetCredentialsRequest): Promise<GetCredentialsResponse> {
    server.calls.push("credentials");
    server.bundleHashes.push(request.bundleHash);
    return { grants: await grantsOf(request.containers), bundle: bundleFor(request.bundleHash) };
  }

  function grantsOf(containers: readonly string[]): Promise<Grant[]> {
    const call = server.calls.filter((kind) => kind === "credentials").length;
    return Promise.all(containers.map(async (container) => server.grant(container, call)));
  }

  function bundleFor(hash: string): string {
    return server.newBundle === undefined || hash === bundleHash(server.newBundle) ? "" : server.newBundle;
  }

  await start();
  const defaultGrant: FakeServer["defaultGrant"] = (container, call) =>
    grantReply(container, { now: clock.now(), suffix: String(call) });
  const firstAnswers = {
    grant: defaultGrant,
    refuseProof: undefined,
    certificateLifetimeMs: HOUR_MS,
    accompanies: false,
    newBundle: undefined,
  };
  const server: FakeServer = {
    identityPort: ports[0],
    credentialsPort: ports[1],
    bundlePem: authority.certificatePem,
    calls: [],
    tokens: [],
    bundleHashes: [],
    defaultGrant,
    ...firstAnswers,
    credentialBundle() {
      const key = generateKeyPem();
      return `${key.reveal()}${certify(createPublicKey(key.reveal()))}`;
    },
    reset() {
      for (const list of [server.calls, server.tokens, server.bundleHashes]) list.length = 0;
      Object.assign(server, firstAnswers);
    },
    async stop() {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
    restart: start,
  };
  return server;
}

export function grantReply(
  container: string,
  {
    now,
    suffix = "1",
    lifetimeMs = HOUR_MS,
    remainingMs = 0,
  }: { now: number; suffix?: string; lifetimeMs?: number; remainingMs?: number },
): Grant {
  const credentials = {
    accessKeyId: `ASIA${container.toUpperCase()}${suffix}`,
    secretAccessKey: `secret-of-${container}-${suffix}`,
    sessionToken: `session-of-${container}-${suffix}`,
    issuedAtMs: now,
    expiresAtMs: now + lifetimeMs,
    remainingMs,
    roleArn: `arn:aws:iam::123456789012:role/${container}`,
    accountId: "123456789012",
  };
  return { container, result: { $case: "credentials", credentials } };
}

export function refusalReplyFor(
  container: string,
  code: string,
  message = `Cannot do it: ${code}`,
  retryAfterMs = 0,
): Grant {
  return { container, result: { $case: "refusal", refusal: { code, message, retryAfterMs } } };
}

function servingTls(authority: Authority, now: number): TlsSource {
  const privateKey = generateKeyPem();
  const { pem } = issueCertificate({
    authority,
    publicKey: createPublicKey(privateKey.reveal()),
    subject: { kind: "serving", dnsNames: ["podrole-server"], ipAddresses: [] },
    now,
    lifetimeMs: 100 * HOUR_MS,
  });
  const material = { certificatePem: pem, privateKey, clientBundlePem: authority.certificatePem };
  return { current: () => material, onChange: () => () => {} };
}
