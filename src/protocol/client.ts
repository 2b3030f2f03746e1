// The client side of podrole's protocol: one call per connection, which is opened on demand and closed at once, because
// ten thousand idle connections would cost the server 0.7 GB and a handshake each half hour costs it 1.4 ms. Used by
// the sidecar and, for its serving certificate, by the webhook. Ignores proxy variables: the server is inside the
// cluster.
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { Secret } from "../runtime/secret.ts";
import {
  CredentialsClient,
  type GetCredentialsRequest,
  type GetCredentialsResponse,
  IdentityClient,
  type IssueCertificateResponse,
} from "./generated/podrole/v1/podrole.ts";
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
}

/**
 * Proves this pod (or the webhook) to the server; resolves with a certificate. `deadlineMs`: milliseconds from now, by
 * the system clock. Rejects with PodroleError: the server's refusal, or SERVER_UNREACHABLE.
 */
export function issueCertificate(
  endpoint: ServerEndpoint,
  input: IssueCertificateInput,
  deadlineMs: number,
): Promise<IssueCertificateResponse> {
  const tls = credentials.createSsl(Buffer.from(endpoint.bundlePem));
  const client = new IdentityClient(endpoint.address, tls, channelOptions(endpoint));
  return callOnce(client, endpoint, (respond) =>
    client.issueCertificate(
      {
        token: input.token.reveal(),
        certificateSigningRequest: input.csr,
        bundleHash: input.bundleHash,
        containers: [...(input.containers ?? [])],
      },
      ...callOptions(deadlineMs),
      respond,
    ),
  );
}

/**
 * Requests credentials for containers of this pod. Rejects as {@link issueCertificate}; a refused container is a Grant.
 */
export function getCredentials(
  endpoint: ServerEndpoint,
  identity: ClientIdentity,
  request: GetCredentialsRequest,
  deadlineMs: number,
): Promise<GetCredentialsResponse> {
  const client = new CredentialsClient(endpoint.address, mutualTls(endpoint, identity), channelOptions(endpoint));
  return callOnce(client, endpoint, (respond) => client.getCredentials(request, ...callOptions(deadlineMs), respond));
}

function mutualTls(endpoint: ServerEndpoint, identity: ClientIdentity): ChannelCredentials {
  return credentials.createSsl(
    Buffer.from(endpoint.bundlePem),
    Buffer.from(identity.privateKey.reveal()),
    Buffer.from(identity.certificatePem),
  );
}

function channelOptions({ serverName }: ServerEndpoint): ChannelOptions {
  return {
    "grpc.enable_http_proxy": 0,
    "grpc.ssl_target_name_override": serverName,
    "grpc.default_authority": serverName,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }] }),
  };
}

type Respond<Response> = (error: ServiceError | null, response: Response) => void;

async function callOnce<Response>(
  client: { close(): void },
  { address }: ServerEndpoint,
  call: (respond: Respond<Response>) => unknown,
): Promise<Response> {
  try {
    return await new Promise((resolve, reject) => {
      call((error, response) => (error ? reject(fromServiceError(error, address)) : resolve(response)));
    });
  } finally {
    client.close();
  }
}

function callOptions(deadlineMs: number): [Metadata, Partial<CallOptions>] {
  return [new Metadata(), { deadline: new Date(Date.now() + deadlineMs) }];
}
