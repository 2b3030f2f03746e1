// podrole's side that asks: one call a connection, opened when needed and closed at once, because ten thousand idle
// connections would cost the server 0.7 GB and a handshake each half hour costs it 1.4 ms. Used by the sidecar and, for
// its serving certificate, by the webhook. Proxies of the environment are ignored: the server is inside the cluster.
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

/** Where the server is, whom its certificate must name, and which CAs may have signed it (PEM). */
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

export interface IssueCertificateInput {
  readonly token: Secret;
  readonly csr: Uint8Array;
  readonly bundleHash: string;
}

/**
 * Proves this pod (or the webhook) to the server and gets a certificate. `deadlineMs` from now, on real time.
 * Throws PodroleError: the server's refusal, or SERVER_UNREACHABLE.
 */
export function issueCertificate(
  endpoint: ServerEndpoint,
  input: IssueCertificateInput,
  deadlineMs: number,
): Promise<IssueCertificateResponse> {
  const tls = credentials.createSsl(Buffer.from(endpoint.bundlePem));
  const client = new IdentityClient(endpoint.address, tls, channelOptions(endpoint));
  return once(client, endpoint, (answer) =>
    client.issueCertificate(
      {
        token: input.token.reveal(),
        certificateSigningRequest: input.csr,
        bundleHash: input.bundleHash,
      },
      ...callOptions(deadlineMs),
      answer,
    ),
  );
}

/** Credentials for containers of this pod. Errors as for {@link issueCertificate}; a refused container is a Grant. */
export function getCredentials(
  endpoint: ServerEndpoint,
  identity: ClientIdentity,
  request: GetCredentialsRequest,
  deadlineMs: number,
): Promise<GetCredentialsResponse> {
  const client = new CredentialsClient(endpoint.address, mutualTls(endpoint, identity), channelOptions(endpoint));
  return once(client, endpoint, (answer) => client.getCredentials(request, ...callOptions(deadlineMs), answer));
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

type Answer<Response> = (error: ServiceError | null, response: Response) => void;

async function once<Response>(
  client: { close(): void },
  { address }: ServerEndpoint,
  call: (answer: Answer<Response>) => unknown,
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
