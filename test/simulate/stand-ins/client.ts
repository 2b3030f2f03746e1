// Stand-in for src/protocol/client.ts: calls go to the simulated network.
import type {
  ClientIdentity,
  getCredentials as realGetCredentials,
  requestCertificate as realRequestCertificate,
} from "../../../src/protocol/client.ts";
import type {
  GetCredentialsRequest,
  IssueCertificateRequest,
} from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { surroundingsOf } from "../surroundings.ts";

export const requestCertificate: typeof realRequestCertificate = async (endpoint, input, deadlineMs) => {
  const request = {
    token: input.token.reveal(),
    certificateSigningRequest: input.csr,
    bundleHash: input.bundleHash,
    containers: [...(input.containers ?? [])],
    holdings: [...(input.holdings ?? [])],
  } satisfies IssueCertificateRequest;
  const { call } = surroundingsOf(endpoint.address);
  return (await call("identity", endpoint, undefined, request, deadlineMs)) as Awaited<
    ReturnType<typeof realRequestCertificate>
  >;
};

export const getCredentials: typeof realGetCredentials = async (
  endpoint,
  identity: ClientIdentity,
  { containers, bundleHash, holdings = [] },
  deadlineMs,
) => {
  const request = {
    containers: [...containers],
    bundleHash,
    holdings: [...holdings],
  } satisfies GetCredentialsRequest;
  const { call } = surroundingsOf(endpoint.address);
  return (await call("credentials", endpoint, identity, request, deadlineMs)) as Awaited<
    ReturnType<typeof realGetCredentials>
  >;
};
