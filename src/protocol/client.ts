// The client side of podrole's protocol: one call per connection, which is opened on demand and closed at once, because
// ten thousand idle connections would cost the server 0.7 GB and a handshake each half hour costs it 1.4 ms. Used by
// the sidecar and, for its serving certificate, by the webhook. Ignores proxy variables: the server is inside the
// cluster.
import { setTimeout as wait } from "node:timers/promises";
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { jitter, systemClock } from "../runtime/clock.ts";
import type { Secret } from "../runtime/secret.ts";
import { type CallConnections, watchConnections } from "./client-connections.ts";
import {
  CredentialsClient,
  type GetCredentialsResponse,
  type Holding,
  IdentityClient,
  type IssueCertificateResponse,
} from "./generated/podrole/v1/podrole.ts";
import { presentedChain } from "./presented-chain.ts";
import { fromServiceError } from "./status.ts";

/**
 * The server's address (host:port), the name that its certificate must have, and the CAs that may have signed it (PEM).
 */
export interface ServerEndpoint {
  readonly address: string;
  readonly serverName: string;
  readonly bundlePem: string;
}

/** The pod's own key and certificate (PEM). */
export interface ClientIdentity {
  readonly privateKey: Secret;
  readonly certificatePem: string;
}

/**
 * The proof of a pod: its token, a certificate signing request (PKCS #10, DER), and the hash of its trust bundle.
 * `containers`: those whose credentials the pod requests next; the server may return them with the certificate.
 */
export interface IssueCertificateInput {
  readonly token: Secret;
  readonly csr: Uint8Array;
  readonly bundleHash: string;
  readonly containers?: readonly string[];
  /** What the containers hold before the call. */
  readonly holdings?: readonly Holding[];
}

/** Containers of the pod, what they hold before the call, and the hash of the pod's trust bundle. */
export interface CredentialsInput {
  readonly containers: readonly string[];
  readonly bundleHash: string;
  readonly holdings?: readonly Holding[];
}

/**
 * Proves this pod (or the webhook) to the server; resolves with a certificate. `deadlineMs`: milliseconds from now, by
 * the system clock. Rejects with PodroleError: the server's refusal, SERVER_UNTRUSTED or
 * SERVER_UNREACHABLE.
 */
export function requestCertificate(
  endpoint: ServerEndpoint,
  input: IssueCertificateInput,
  deadlineMs: number,
): Promise<IssueCertificateResponse> {
  return callServer(endpoint, deadlineMs, (connections, respond, options) => {
    const client = new IdentityClient(
      endpoint.address,
      channelCredentials(endpoint, connections),
      channelOptions(endpoint),
    );
    client.issueCertificate(
      {
        token: input.token.reveal(),
        certificateSigningRequest: input.csr,
        bundleHash: input.bundleHash,
        containers: [...(input.containers ?? [])],
        holdings: [...(input.holdings ?? [])],
      },
      new Metadata(),
      options,
      respond,
    );
    return client;
  });
}

/**
 * Requests credentials for containers of this pod. Rejects as {@link requestCertificate}; a refused container is a
 * Grant.
 */
export function getCredentials(
  endpoint: ServerEndpoint,
  identity: ClientIdentity,
  { containers, bundleHash, holdings = [] }: CredentialsInput,
  deadlineMs: number,
): Promise<GetCredentialsResponse> {
  return callServer(endpoint, deadlineMs, (connections, respond, options) => {
    const security = mutualTls(endpoint, identity, connections);
    const client = new CredentialsClient(endpoint.address, security, channelOptions(endpoint));
    const request = { containers: [...containers], bundleHash, holdings: [...holdings] };
    client.getCredentials(request, new Metadata(), options, respond);
    return client;
  });
}

function channelCredentials({ bundlePem }: ServerEndpoint, connections: CallConnections): ChannelCredentials {
  const { checkServerIdentity } = connections;
  return connections.watchHandshakes(
    credentials.createSsl(Buffer.from(bundlePem), null, null, { checkServerIdentity }),
  );
}

function mutualTls(
  { bundlePem }: ServerEndpoint,
  identity: ClientIdentity,
  connections: CallConnections,
): ChannelCredentials {
  const { checkServerIdentity } = connections;
  const security = credentials.createSsl(
    Buffer.from(bundlePem),
    Buffer.from(identity.privateKey.reveal()),
    Buffer.from(presentedChain(identity.certificatePem)),
    { checkServerIdentity },
  );
  return connections.watchHandshakes(security);
}

function channelOptions({ serverName }: ServerEndpoint): ChannelOptions {
  return {
    "grpc.enable_http_proxy": 0,
    "grpc.ssl_target_name_override": serverName,
    "grpc.default_authority": serverName,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }] }),
  };
}

/**
 * For the TCP connection only. Short, because another try may succeed: behind a ClusterIP it may reach another replica,
 * and a name may have further addresses.
 */
const TCP_CONNECT_TIMEOUT_MS = 2_000;
/** So many tries may fail at once, as they do while a replica is replaced, before the call fails. */
const MAX_QUICK_TRIES = 3;
/** Between them, varied by ±50 %. */
const PAUSE_MS = 200;

type Respond<Response> = (error: ServiceError | null, response: Response) => void;

/** Starts a call on a new client, and returns the client. */
type StartCall<Response> = (
  connections: CallConnections,
  respond: Respond<Response>,
  options: Partial<CallOptions>,
) => { close(): void };

/**
 * Calls the server. If no TCP connection can be opened, tries again until the deadline; if opening fails at once, only
 * a few times.
 */
async function callServer<Response>(
  { address }: ServerEndpoint,
  deadlineMs: number,
  start: StartCall<Response>,
): Promise<Response> {
  const endsAt = systemClock.elapsedMs() + deadlineMs;
  const leftMs = () => endsAt - systemClock.elapsedMs();
  for (let quickTries = 1; ; ) {
    const beganMs = leftMs();
    const connections = watchConnections(TCP_CONNECT_TIMEOUT_MS);
    try {
      return await callOnce(connections, address, leftMs(), start);
    } catch (error) {
      const wasQuick = beganMs - leftMs() < TCP_CONNECT_TIMEOUT_MS;
      const isOver = leftMs() < TCP_CONNECT_TIMEOUT_MS || (wasQuick && quickTries >= MAX_QUICK_TRIES);
      if (connections.hasConnected() || isOver) throw error;
      if (wasQuick) quickTries += 1;
      // Not sleep() of clock.ts, whose timer does not keep a renewal's process alive.
      await wait(jitter(PAUSE_MS, 0.5));
    } finally {
      connections.stop();
    }
  }
}

async function callOnce<Response>(
  connections: CallConnections,
  address: string,
  deadlineMs: number,
  start: StartCall<Response>,
): Promise<Response> {
  let client: { close(): void } | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const options = { deadline: new Date(Date.now() + deadlineMs) };
      const respond: Respond<Response> = (error, response) => {
        if (error) reject(fromServiceError(error, address, connections.handshake()));
        else resolve(response);
      };
      client = connections.run(() => start(connections, respond, options));
    });
  } finally {
    client?.close();
  }
}
