// podrole's objects in the emulated cluster, as manifests and kubelet would create them: its namespace, the webhook's
// configuration, and the webhook's pod with its token.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubernetesEmulator } from "./kubernetes/emulator.ts";

/** Creates podrole's namespace and the webhook's pod with its token, as manifests and kubelet would. */
export async function createInstallation(kubernetes: KubernetesEmulator, directory: string): Promise<void> {
  const namespace = "podrole";
  await kubernetes.create("/api/v1/namespaces", { metadata: { name: namespace } });
  await kubernetes.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "podrole-webhook" } });
  const pod = {
    metadata: { name: "podrole-webhook-0" },
    spec: { serviceAccountName: "podrole-webhook", containers: [{ name: "webhook", image: "podrole" }] },
  };
  const { body } = await kubernetes.create(`/api/v1/namespaces/${namespace}/pods`, pod);
  const { name = "", uid = "" } = (body as { metadata: { name?: string; uid?: string } }).metadata;
  registerWebhooks(kubernetes);
  const token = await requestToken(kubernetes, { namespace, serviceAccount: "podrole-webhook", pod: { name, uid } });
  await writeFile(join(directory, "webhook-token"), token, { mode: 0o600 });
}

/** Requests a pod-bound token for podrole's audience, as a kubelet does. */
export async function requestToken(
  kubernetes: KubernetesEmulator,
  { namespace, serviceAccount, pod }: { namespace: string; serviceAccount: string; pod: { name: string; uid: string } },
): Promise<string> {
  const spec = {
    audiences: ["podrole.io"],
    expirationSeconds: 600,
    boundObjectRef: { kind: "Pod", apiVersion: "v1", ...pod },
  };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const { body } = await kubernetes.create(path, { metadata: {}, spec }, "system:node:node-1");
  return (body as { status: { token: string } }).status.token;
}

/** The configuration exists before the webhook runs, as after `kubectl apply` of the manifests. */
function registerWebhooks(kubernetes: KubernetesEmulator): void {
  kubernetes.store.create("mutatingwebhookconfigurations", {
    metadata: { name: "podrole" },
    webhooks: [
      {
        name: "pods.podrole.io",
        clientConfig: { url: "https://127.0.0.1:1/mutate" },
        rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
        namespaceSelector: { matchLabels: { "podrole.io/inject": "enabled" } },
        failurePolicy: "Fail",
        reinvocationPolicy: "IfNeeded",
        sideEffects: "None",
        timeoutSeconds: 5,
        admissionReviewVersions: ["v1"],
      },
    ],
  });
}

/** Sets the port of the webhook in its configuration, as its Service would. */
export function setWebhookPort(kubernetes: KubernetesEmulator, port: number): void {
  const configuration = kubernetes.store.get("mutatingwebhookconfigurations", undefined, "podrole");
  const [webhook] = configuration["webhooks"] as { clientConfig: { url: string } }[];
  if (webhook) webhook.clientConfig.url = `https://127.0.0.1:${port}/mutate`;
  kubernetes.store.replace("mutatingwebhookconfigurations", configuration);
}

/** Reports whether the server has put its CA into the webhook configuration. */
export function hasCaBundle(kubernetes: KubernetesEmulator): boolean {
  const configuration = kubernetes.store.find("mutatingwebhookconfigurations", undefined, "podrole");
  const [webhook] = (configuration?.["webhooks"] ?? []) as { clientConfig: { caBundle?: string } }[];
  return webhook?.clientConfig.caBundle !== undefined;
}
