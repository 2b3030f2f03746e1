// Pods of the emulated cluster that the real webhook admitted, with the environment, tokens and requests of their
// sidecar, for the suites that run podrole's programs.
import { requestToken } from "../emulators/installation.ts";
import type { KubernetesEmulator } from "../emulators/kubernetes/emulator.ts";
import type { Pod } from "../src/kubernetes/objects.ts";
import { createCsr } from "../src/pki/csr.ts";
import { generateKeyPem } from "../src/pki/keys.ts";
import { type ClientIdentity, requestCertificate, type ServerEndpoint } from "../src/protocol/client.ts";
import { Secret } from "../src/runtime/secret.ts";

export const POD_NAMESPACE = "shop";

/** A pod to create; roles by container. */
export interface PodOptions {
  /** By default POD_NAMESPACE. */
  readonly namespace?: string;
  readonly name: string;
  readonly roles: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields of every container. */
  readonly container?: object;
}

/** A pod that the webhook admitted, with what its sidecar has. */
export interface AdmittedPod {
  readonly name: string;
  readonly token: Secret;
  /** Requests another token of the pod, as a kubelet does before the last one expires (10 minutes). */
  newToken(): Promise<Secret>;
  /** Environment of its podrole-sidecar, as the webhook set it. */
  readonly env: Readonly<Record<string, string>>;
  readonly identityPort: ServerEndpoint;
  readonly credentialsPort: ServerEndpoint;
  /** Requests a certificate for a new key; `proof` is a new token by default. */
  prove(options?: { readonly deadlineMs?: number; readonly proof?: Secret }): Promise<ClientIdentity>;
}

/** Creates a labelled namespace; `permitted` is its expression of role ARNs. */
export async function createLabelledNamespace(
  kubernetes: KubernetesEmulator,
  permitted: string,
  name: string = POD_NAMESPACE,
): Promise<void> {
  const annotations = { "iam.amazonaws.com/permitted": permitted };
  const metadata = { name, labels: { "podrole.io/inject": "enabled" }, annotations };
  await kubernetes.create("/api/v1/namespaces", { metadata });
}

/** Creates the pod through the webhook, and requests its token as a kubelet does. */
export async function createAdmittedPod(kubernetes: KubernetesEmulator, options: PodOptions): Promise<AdmittedPod> {
  const { namespace = POD_NAMESPACE, name, roles, annotations = {}, container = {} } = options;
  const { code, body } = await kubernetes.create(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: {
      name,
      annotations: {
        ...Object.fromEntries(Object.entries(roles).map(([one, role]) => [`iam.amazonaws.com/role.${one}`, role])),
        ...annotations,
      },
    },
    spec: { containers: Object.keys(roles).map((one) => Object.assign({ name: one, image: "app:1" }, container)) },
  });
  if (code !== 201) throw new RangeError(`pod ${name} was not created: ${code} ${JSON.stringify(body)}`);
  const { metadata, spec } = body as Pod;
  const { uid = "" } = metadata;
  const variables = spec.initContainers?.find((one) => one.name === "podrole-sidecar")?.env ?? [];
  const env: Record<string, string> = {
    ...Object.fromEntries(variables.map((variable) => [variable.name, variable.value ?? ""])),
    PODROLE_POD_NAME: name,
    PODROLE_POD_NAMESPACE: namespace,
  };
  const bound = { namespace, serviceAccount: "default", pod: { name, uid } };
  const newToken = async () => new Secret(await requestToken(kubernetes, bound));
  const token = await newToken();
  const endpoint = (variable: string): ServerEndpoint => ({
    address: env[variable] ?? "",
    serverName: env["PODROLE_SERVER_NAME"] ?? "",
    bundlePem: env["PODROLE_TRUST_BUNDLE"] ?? "",
  });
  const identityPort = endpoint("PODROLE_IDENTITY_ADDRESS");
  return {
    name,
    token,
    newToken,
    env,
    identityPort,
    credentialsPort: endpoint("PODROLE_SERVER_ADDRESS"),
    async prove({ deadlineMs = 10_000, proof } = {}) {
      const privateKey = generateKeyPem();
      const input = { token: proof ?? (await newToken()), csr: createCsr(privateKey, name), bundleHash: "" };
      const { certificate } = await requestCertificate(identityPort, input, deadlineMs);
      return { privateKey, certificatePem: certificate };
    },
  };
}
