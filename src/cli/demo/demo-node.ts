// What podrole demo and podrole demo --ui share: account and region, and the node, which runs containers as processes.
// States of a node: created → stopped, by the demo that created it.
import { type EmulatedCluster, SIDECAR_PROGRAM } from "../../../emulators/cluster.ts";
import { requestToken } from "../../../emulators/installation.ts";
import { createProcessNode, type ProcessNode, type ProcessNodeOptions } from "../../../emulators/kubelet/node.ts";
import { createCertificateProjections } from "../../../emulators/kubelet/pod-certificates.ts";
import type { Runtime } from "../../../emulators/start-program.ts";
import { systemClock as clock, MINUTE_MS } from "../../runtime/clock.ts";
import { createLog } from "../../runtime/log.ts";
import { Secret } from "../../runtime/secret.ts";
import { DEMO_PROGRAMS } from "./demo-programs.ts";

/** Region of server, webhook and pods. */
export const DEMO_REGION = "eu-central-1";
/** The AWS account of the roles. */
export const DEMO_ACCOUNT = "123456789012";
/** The image that the webhook injects: its default. */
export const SIDECAR_IMAGE = "podrole-sidecar:0.1.0";
/** The only node. */
export const DEMO_NODE = "demo-node";
/** The lower one of the sidecar's two ports. */
export const SIDECAR_PORT = 9763;

const TOKEN_LIFETIME_MS = 10 * MINUTE_MS;

/** Creates a node of the cluster that has the sidecar's image and `images`. */
export function createDemoNode(
  { directory, kubernetes }: EmulatedCluster,
  { execPath, path }: Pick<Runtime, "execPath" | "path">,
  images: ProcessNodeOptions["images"],
): ProcessNode {
  const sidecar = [execPath, DEMO_PROGRAMS.sidecar];
  return createProcessNode(
    { clock, log: createLog("kubelet", "error", { write: () => {} }) },
    {
      directory: `${directory}/node`,
      nodeName: DEMO_NODE,
      searchPath: path,
      startupPeriodMs: 50,
      images: { ...images, [SIDECAR_IMAGE]: { command: sidecar, programs: { [SIDECAR_PROGRAM]: sidecar } } },
      certificates: createCertificateProjections(kubernetes),
      tokens: async ({ namespace, serviceAccount, pod }) => {
        const token = await requestToken(kubernetes, { namespace, serviceAccount, pod });
        return { token: new Secret(token), expiresAt: clock.now() + TOKEN_LIFETIME_MS };
      },
    },
  );
}
