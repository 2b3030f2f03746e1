// Pod certificates for an installation that has none: the rights and the policy of the component, and the server's
// setting.
import { join } from "node:path";
import { ROOT } from "../../../files.ts";
import type { Kubectl } from "../../kubectl.ts";

const OBJECTS = join(ROOT, "manifests/components/pod-certificates/objects.yaml");

/** Lets the server sign pod certificates. `renewal`: --pod-certificate-renewal. */
export async function installSigner(kubectl: Kubectl, renewal?: string): Promise<void> {
  await kubectl.ok(["apply", "-f", OBJECTS]);
  const renewals = renewal === undefined ? [] : [`PODROLE_POD_CERTIFICATE_RENEWAL=${renewal}`];
  await setServer(kubectl, ["PODROLE_POD_CERTIFICATES=on", ...renewals]);
}

/** Restores the installation. */
export async function uninstallSigner(kubectl: Kubectl): Promise<void> {
  await setServer(kubectl, ["PODROLE_POD_CERTIFICATES-", "PODROLE_POD_CERTIFICATE_RENEWAL-"]);
  await kubectl.ok(["delete", "-f", OBJECTS]);
  await kubectl.ok(["delete", "clustertrustbundle", "podrole.io:pod:trust", "--ignore-not-found"]);
}

/** `changes`: NAME=VALUE, or NAME- to remove a variable. */
async function setServer(kubectl: Kubectl, changes: readonly string[]): Promise<void> {
  await kubectl.ok(["-n", "podrole", "set", "env", "deployment/podrole-server", ...changes]);
  await kubectl.ok(["-n", "podrole", "rollout", "status", "deployment/podrole-server", "--timeout=180s"]);
}
