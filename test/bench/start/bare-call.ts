// The smallest program that makes a renewal's call: one call to podrole's server by grpc-js over mutual TLS, with the
// identity that a sidecar has stored. A renewal's cost beyond this is podrole's.
import { readFileSync } from "node:fs";
import { credentials } from "@grpc/grpc-js";
import { CredentialsClient } from "../../../src/protocol/generated/podrole/v1/podrole.ts";

const {
  PODROLE_SERVER_ADDRESS = "",
  PODROLE_SERVER_NAME = "",
  PODROLE_TRUST_BUNDLE = "",
  PODROLE_IDENTITY_DIRECTORY = "",
} = process.env;
// Contains the key and the certificate; readers of PEM skip the other blocks.
const identity = readFileSync(`${PODROLE_IDENTITY_DIRECTORY}/identity.pem`);
const security = credentials.createSsl(Buffer.from(PODROLE_TRUST_BUNDLE), identity, identity);
const options = { "grpc.ssl_target_name_override": PODROLE_SERVER_NAME };
const client = new CredentialsClient(PODROLE_SERVER_ADDRESS, security, options);
client.getCredentials({ containers: ["app"], bundleHash: "", holdings: [] }, (error, answer) => {
  if (error) throw error;
  process.exit(answer.grants[0]?.result?.$case === "credentials" ? 0 : 1);
});
