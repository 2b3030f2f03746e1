// What an installation has in the cluster: its objects, and the server's state.
import type { Kubectl } from "../kubectl.ts";
import type { ChartObject } from "./tools.ts";

/** Reads the state of the installation in namespace podrole. */
export function createInstalledState(kubectl: Kubectl) {
  /** "Kind namespace/name" of every object in the cluster, except those that Kubernetes writes about other objects. */
  async function allObjects(): Promise<readonly string[]> {
    const resources = (await kubectl.ok(["api-resources", "--verbs=list", "-o", "name"])).trim().split("\n");
    const listed = resources.filter((name) => !/^(events|leases|componentstatuses|controllerrevisions)\b/.test(name));
    const path = '{range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{"\\n"}{end}';
    const { out } = await kubectl.run(["get", listed.join(","), "-A", "-o", `jsonpath=${path}`]);
    return out.split("\n").filter((line) => line !== "");
  }

  /** The server's state as stored in the cluster: CA, trust bundle and caBundle. */
  async function storedTrust() {
    const [ca, trust, configuration] = await Promise.all([
      kubectl.json<ChartObject>(["-n", "podrole", "get", "secret", "podrole-ca"]),
      kubectl.json<ChartObject>(["-n", "podrole", "get", "configmap", "podrole-trust"]),
      kubectl.json<{ webhooks: { clientConfig: { caBundle?: string } }[] }>([
        ...["get", "mutatingwebhookconfiguration", "podrole"],
      ]),
    ]);
    return { ca: ca["data"], trust: trust["data"], caBundle: configuration.webhooks[0]?.clientConfig.caBundle };
  }

  const replicas = (program: string) =>
    kubectl.ok(["-n", "podrole", "get", "deployment", `podrole-${program}`, "-o", "jsonpath={.spec.replicas}"]);

  const hasTrust = async () => {
    const { code } = await kubectl.run(["-n", "podrole", "get", "secret/podrole-ca", "configmap/podrole-trust"]);
    return code === 0 && (await storedTrust()).caBundle !== undefined;
  };
  return { allObjects, storedTrust, hasTrust, replicas };
}
