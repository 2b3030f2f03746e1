// The smallest server that does what podrole's server does for a caller: grpc-js with the same TLS options, one fixed
// answer with credentials, and certificates that the same functions sign. It checks no token, knows no pods and writes
// no audit log, so a call's cost beyond this is podrole's.
import { type handleUnaryCall, Server, type ServerCredentials } from "@grpc/grpc-js";
import { issueCertificate } from "../../../src/pki/certificate.ts";
import { readCsr } from "../../../src/pki/csr.ts";
import { isRefusal } from "../../../src/protocol/errors.ts";
import {
  CredentialsService,
  GetCredentialsResponse,
  IdentityService,
  type IssueCertificateRequest,
  type IssueCertificateResponse,
} from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { serverCredentials } from "../../../src/protocol/tls.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { readBareFile } from "./bare-files.ts";

const { authority, tls, answers } = readBareFile(process.argv[2] ?? "");
const answer = GetCredentialsResponse.decode(Buffer.from(answers[0] ?? "", "base64"));

const issue: handleUnaryCall<IssueCertificateRequest, IssueCertificateResponse> = ({ request }, respond) => {
  const publicKey = readCsr(request.certificateSigningRequest);
  if (isRefusal(publicKey)) return respond(new Error(publicKey.message));
  const subject = { kind: "pod", uri: "spiffe://cluster.local/ns/shop/sa/default/pod/orders" } as const;
  const { pem } = issueCertificate({ authority, publicKey, subject, now: Date.now(), lifetimeMs: HOUR_MS });
  respond(null, { certificate: pem, bundle: "", grants: [] });
};

function listen(server: Server, security: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", security, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

const identity = new Server();
identity.addService(IdentityService, { issueCertificate: issue });
const credentials = new Server();
credentials.addService(CredentialsService, {
  getCredentials: (_call: unknown, respond: (error: null, response: GetCredentialsResponse) => void) =>
    respond(null, answer),
});
const ports = {
  identity: await listen(identity, serverCredentials(tls, false)),
  credentials: await listen(credentials, serverCredentials(tls, true)),
};
process.stdout.write(`${JSON.stringify({ message: "bare is up", ports })}\n`);
