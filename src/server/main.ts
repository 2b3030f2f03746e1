// The server's composition root: the Kubernetes client and five openings, all of which `shutdown` closes. Closing runs
// in reverse order, so the ports stop before the watches, STS, trust and the client that they use. Nothing is decided
// here: the decisions are in issue/issue-certificate.ts and issue/issue-credentials.ts.
import { createKubernetes } from "../kubernetes/client.ts";
import { buildLabels } from "../runtime/build-info.ts";
import { createMetrics } from "../runtime/metrics.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import type { ServerSettings } from "../settings/server.ts";
import { SERVER_METRICS } from "./observability/metrics.ts";
import { openAws } from "./open-aws.ts";
import { openIssuers } from "./open-issuers.ts";
import { openPorts, type ServerPorts } from "./open-ports.ts";
import { openClusterSupport, openSigner } from "./open-signer.ts";
import { openTrust } from "./open-trust.ts";

/**
 * Starts the server and resolves with its ports once they accept connections. Waits, with retries, for the CA and, with
 * `--role-base-arn-autodetect`, for the base ARN. Rejects if a port cannot be bound.
 */
export async function startServer(deps: ProgramDeps, settings: ServerSettings): Promise<ServerPorts> {
  const metrics = createMetrics(SERVER_METRICS);
  metrics.buildInfo.set(buildLabels(), 1);
  const { clock, log, shutdown } = deps;
  const kubernetes = createKubernetes({
    kubeconfigPath: settings.kubeconfig,
    clock,
    log,
    component: "podrole-server",
  });
  shutdown.onClose("Kubernetes client", () => kubernetes.close());

  const support = openClusterSupport({ ...deps, kubernetes }, settings);
  const trust = await openTrust({ ...deps, kubernetes, metrics, support }, settings);
  const aws = await openAws({ ...deps, metrics }, settings);
  const issuers = openIssuers({ ...deps, kubernetes, metrics, trust, aws }, settings);
  const signer = openSigner({ ...deps, kubernetes, metrics, trust, aws, issuers, support }, settings);
  const ports = await openPorts({ ...deps, kubernetes, metrics, trust, aws, issuers, signer }, settings);

  log.info({ ports, trustDomain: settings.trustDomain, baseArn: aws.policy().baseArn }, "server is up");
  return ports;
}
