// The settings of the installed server, for commands that read what it publishes: an installation may use another
// audience, or another name for an object, than the defaults.
import type { ConfigMap } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import type { ServerSettings } from "../settings/server.ts";
import { type Deployment, readInstalled, settingsConfigMaps } from "./installed.ts";
import { type Known, readKnown } from "./known.ts";

type SettingsReader = Pick<OperatorKubernetes, "listAll" | "getConfigMap">;

/**
 * Returns the settings; undefined if no Deployment runs the server, or its settings cannot be used. `namespace`:
 * podrole's own. Never rejects.
 */
export function readServerSettings(
  kubernetes: SettingsReader,
  namespace: string,
): Promise<Known<ServerSettings | undefined>> {
  return readKnown(async () => {
    const deployments = await kubernetes.listAll<Deployment>("deployments", { namespace });
    const configMaps = await readSettingsConfigMaps(kubernetes, namespace, deployments);
    return readInstalled(deployments, configMaps).server?.settings;
  });
}

/**
 * Returns the ConfigMaps from which the programs read settings. Reads by name, because other ConfigMaps of podrole's
 * namespace are not for everybody who may read its settings. Throws ApiError.
 */
export async function readSettingsConfigMaps(
  kubernetes: Pick<OperatorKubernetes, "getConfigMap">,
  namespace: string,
  deployments: readonly Deployment[],
): Promise<readonly ConfigMap[]> {
  const read: ConfigMap[] = [];
  for (const name of settingsConfigMaps(deployments)) {
    const data = await kubernetes.getConfigMap(namespace, name);
    if (data !== undefined) read.push({ metadata: { name, namespace }, data });
  }
  return read;
}
