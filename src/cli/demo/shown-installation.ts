// podrole's objects in the demo's cluster as an operator's commands read them: Deployments with their settings, the
// server's pod with its state port, and the reader of the server's state.
import type { EmulatedCluster } from "../../../emulators/cluster.ts";

/** The account and the region of the demo. */
export interface ShownInstallation {
  readonly roleBaseArn: string;
  readonly region: string;
  readonly sidecarImage: string;
}

const OWN_NAMESPACE = "podrole";
const SERVER_POD = "podrole-server-0";
/** What the proxy's path names; the demo's port is another one. */
const STATE_PORT = 8445;

/** Creates the objects. Their programs run as processes beside the cluster. */
export async function showInstallation(
  { kubernetes, server }: EmulatedCluster,
  { roleBaseArn, region, sidecarImage }: ShownInstallation,
): Promise<void> {
  const { store } = kubernetes;
  const namespace = OWN_NAMESPACE;
  const data = { PODROLE_ROLE_BASE_ARN: roleBaseArn, PODROLE_REGION: region };
  store.create("configmaps", { metadata: { name: "podrole-common", namespace }, data });
  for (const program of ["server", "webhook"] as const) {
    const own = [{ name: "PODROLE_SIDECAR_IMAGE", value: sidecarImage }];
    store.create("deployments", {
      metadata: { name: `podrole-${program}`, namespace },
      spec: {
        replicas: 1,
        template: {
          metadata: { labels: labelsOf(program) },
          spec: {
            serviceAccountName: `podrole-${program}`,
            containers: [
              {
                name: program,
                image: "podrole-server:0.1.0",
                args: [program],
                envFrom: [{ configMapRef: { name: "podrole-common" } }],
                env: program === "webhook" ? own : [],
              },
            ],
          },
        },
      },
      status: { readyReplicas: 1, updatedReplicas: 1 },
    });
  }
  store.create("pods", {
    metadata: { name: SERVER_POD, namespace, labels: labelsOf("server") },
    spec: { containers: [{ name: "server", ports: [{ name: "state", containerPort: STATE_PORT }] }] },
    status: { phase: "Running" },
  });
  kubernetes.pages.set(`${namespace}/https:${SERVER_POD}:${STATE_PORT}`, `127.0.0.1:${server.ports["state"]}`);
  store.create("serviceaccounts", { metadata: { name: "podrole-reader", namespace } });
  kubernetes.restrict(`system:serviceaccount:${namespace}:podrole-reader`, [
    { nonResourceURLs: ["/podrole/state"], verbs: ["get"] },
  ]);
}

function labelsOf(program: "server" | "webhook"): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": `podrole-${program}` };
}
