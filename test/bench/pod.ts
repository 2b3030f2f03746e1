// A pod on the cluster, admitted by the real webhook, with the environment, token and requests of its podrole-sidecar.

import type { EmulatedCluster } from "../../emulators/cluster.ts";
import { requestToken } from "../../emulators/installation.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { createCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { type ClientIdentity, requestCertificate, type ServerEndpoint } from "../../src/protocol/client.ts";
import { Secret } from "../../src/runtime/secret.ts";

export const NAMESPACE = "shop";

export interface AdmittedPod {
  readonly token: Secret;
  /** Environment of its podrole-sidecar, as the webhook set it. */
  readonly env: Readonly<Record<string, string>>;
  readonly identityPort: ServerEndpoint;
  readonly credentialsPort: ServerEndpoint;
  /** Requests a certificate for a new key. */
  prove(): Promise<ClientIdentity>;
}

export async function createPod({ kubernetes }: EmulatedCluster, role: string): Promise<AdmittedPod> {
  await kubernetes.create("/api/v1/namespaces", {
    metadata: {
      name: NAMESPACE,
      labels: { "podrole.io/inject": "enabled" },
      annotations: { "iam.amazonaws.com/permitted": ".*" },
    },
  });
  const { body } = await kubernetes.create(`/api/v1/namespaces/${NAMESPACE}/pods`, {
    metadata: { name: "orders", annotations: { "iam.amazonaws.com/role": role } },
    spec: { containers: [{ name: "app", image: "app:1" }] },
  });
  const { metadata, spec } = body as Pod;
  const { name = "", uid = "" } = metadata;
  const variables = spec.initContainers?.[0]?.env ?? [];
  const env: Record<string, string> = {
    ...Object.fromEntries(variables.map((variable) => [variable.name, variable.value ?? ""])),
    PODROLE_POD_NAME: name,
    PODROLE_POD_NAMESPACE: NAMESPACE,
  };
  const token = new Secret(
    await requestToken(kubernetes, { namespace: NAMESPACE, serviceAccount: "default", pod: { name, uid } }),
  );
  const endpoint = (variable: string): ServerEndpoint => ({
    address: env[variable] ?? "",
    serverName: env["PODROLE_SERVER_NAME"] ?? "",
    bundlePem: env["PODROLE_TRUST_BUNDLE"] ?? "",
  });
  const identityPort = endpoint("PODROLE_IDENTITY_ADDRESS");
  return {
    token,
    env,
    identityPort,
    credentialsPort: endpoint("PODROLE_SERVER_ADDRESS"),
    async prove() {
      const privateKey = generateKeyPem();
      const input = { token, csr: createCsr(privateKey, name), bundleHash: "" };
      const { certificate } = await requestCertificate(identityPort, input, 10_000);
      return { privateKey, certificatePem: certificate };
    },
  };
}
