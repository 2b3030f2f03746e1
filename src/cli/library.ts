// Entry of the npm package for programs that import it: the webhook's decision about a pod, without a cluster, for
// example in a test of manifests or in an admission tool.
import type { PlanSettings } from "../injection/plan.ts";
import { readCertificates } from "../pki/bundle.ts";
import type { PodCertificateSupport } from "../protocol/pod-certificates.ts";
import { type Checked, success } from "../runtime/result.ts";
import { readSettings } from "../runtime/settings.ts";
import { choosesNativeSidecar, planSettings } from "../settings/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../settings/webhook.ts";

export { type Plan, type PlanInput, type PlanSettings, plan } from "../injection/plan.ts";

/** What injected pods contain besides the webhook's settings. */
export interface InjectionContext {
  /** One or more certificates in PEM: key bundle.pem of the ConfigMap podrole-trust. */
  readonly trustBundle: string;
  /** Version of Kubernetes, by which the setting "auto" chooses native sidecars; undefined counts as a current one. */
  readonly kubernetesVersion?: { readonly major: number; readonly minor: number };
  /** For the setting "auto" of pod certificates: key pod-certificates of the ConfigMap; undefined counts as "off". */
  readonly podCertificates?: PodCertificateSupport;
}

/**
 * Reads the settings of plan() from the webhook's environment variables (PODROLE_…); others are ignored. Returns every
 * problem instead if one of them cannot be used.
 */
export function readPlanSettings(
  environment: Readonly<Record<string, string | undefined>>,
  { trustBundle, kubernetesVersion, podCertificates }: InjectionContext,
): Checked<PlanSettings> {
  const read = readSettings(WEBHOOK_SETTINGS, {}, environment);
  const unusable =
    readCertificates(trustBundle).length === 0 ? ["trustBundle is not one or more certificates in PEM"] : [];
  if (!read.ok) return { ok: false, problems: [...read.problems, ...unusable] };
  if (unusable.length > 0) return { ok: false, problems: unusable };
  const nativeSidecar = choosesNativeSidecar(read.value.nativeSidecar, kubernetesVersion);
  return success(
    planSettings(read.value, { trustBundle, nativeSidecar, knowsPodCertificates: podCertificates === "on" }),
  );
}
