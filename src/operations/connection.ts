// Which cluster a person's command speaks with: as kubectl decides it, with the person's own rights.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createOperatorKubernetes } from "../kubernetes/client.ts";
import { PodroleError } from "../protocol/errors.ts";
import type { Terminal } from "../cli/terminal.ts";

/** --kubeconfig, else KUBECONFIG, else ~/.kube/config where it exists, else the ServiceAccount of the pod around us. */
function kubeconfigPath({ env }: Pick<Terminal, "env">, given: string | undefined): string | undefined {
  if (given !== undefined) return given;
  if (env["KUBECONFIG"]) return env["KUBECONFIG"];
  const usual = join(env["HOME"] ?? "/", ".kube", "config");
  return existsSync(usual) ? usual : undefined;
}

/** Throws KUBERNETES_UNAVAILABLE when there is no usable kubeconfig; asks nothing yet. */
export function connectAsPerson(terminal: Terminal, flags: Readonly<Record<string, string>>) {
  const path = kubeconfigPath(terminal, flags["kubeconfig"]);
  if (path === undefined && !terminal.env["KUBERNETES_SERVICE_HOST"]) {
    const tried = "KUBECONFIG is not set, ~/.kube/config does not exist, and this is no pod";
    throw new PodroleError("KUBERNETES_UNAVAILABLE", `Cannot find a cluster: ${tried}; wanted --kubeconfig FILE`);
  }
  return createOperatorKubernetes({
    kubeconfigPath: path,
    context: flags["context"],
    component: "podrole-cli",
  });
}
