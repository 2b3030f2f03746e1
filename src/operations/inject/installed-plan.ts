// What podrole inject needs of an installation: the webhook's settings, and what the server publishes for new pods.
import type { PlanSettings } from "../../injection/plan.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { readCertificates } from "../../pki/bundle.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { choosesNativeSidecar, planSettings } from "../../settings/plan-settings.ts";
import { readPublished } from "../check/collect/authority.ts";
import { type Deployment, readInstalled } from "../installed.ts";
import { allKnown, readAllowed } from "../known.ts";
import { readSettingsConfigMaps } from "../server-settings.ts";

/**
 * Reads the settings with which the webhook in `namespace`, podrole's own, would inject. The problem names the
 * permissions that the caller lacks, or what the installation lacks. Throws ApiError when the API server does not
 * answer.
 */
export async function readInstalledPlan(
  kubernetes: OperatorKubernetes,
  namespace: string,
): Promise<Result<PlanSettings>> {
  const [version, deployments] = await Promise.all([
    readAllowed(() => kubernetes.serverVersion()),
    readAllowed(() => kubernetes.listAll<Deployment>("deployments", { namespace })),
  ]);
  const deployed = "value" in deployments ? deployments.value : [];
  const configMaps = await readAllowed(() => readSettingsConfigMaps(kubernetes, namespace, deployed));
  const programs = readInstalled(deployed, "value" in configMaps ? configMaps.value : []);
  const published = await readPublished(kubernetes, programs, namespace);
  const read = allKnown({ version, deployments, configMaps, published });
  if ("unknown" in read) {
    const { unknown, needs = [] } = read;
    return failure(`Cannot read podrole's installation: ${needs.length > 0 ? `needs ${needs.join(", ")}` : unknown}`);
  }
  const { webhook } = programs;
  if (webhook === undefined) {
    const state = `no Deployment in namespace "${namespace}" runs podrole's webhook`;
    return failure(`${state}; expected podrole's own namespace (--podrole-namespace)`);
  }
  if (webhook.settings === undefined) {
    return failure(`Cannot use the webhook's settings: ${webhook.problems.join("; ")}`);
  }
  const { trustBundle = "", podCertificates } = read.value.published;
  if (readCertificates(trustBundle).length === 0) {
    return failure("podrole's server has published no CA yet; expected ConfigMap podrole-trust with one");
  }
  const nativeSidecar = choosesNativeSidecar(webhook.settings.nativeSidecar, read.value.version);
  const knowsPodCertificates = podCertificates === "on";
  return success(planSettings(webhook.settings, { trustBundle, nativeSidecar, knowsPodCertificates }));
}
