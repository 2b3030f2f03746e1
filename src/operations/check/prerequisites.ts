// Checks of what podrole needs before it is installed.
import { PAGE, type CheckTable, failed, given, ok, orOk, skipped, type Verdict, warning } from "./finding.ts";
import { formatRight } from "./rights.ts";
import type { JudgedRight } from "./facts.ts";

/** matchConditions of webhooks are enabled since 1.28 (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/). */
const OLDEST = 28;
/** Native sidecars are enabled since 1.29. */
const NATIVE_SINCE = 29;

export const PREREQUISITES = {
  API_VERSION: {
    section: "prerequisites",
    when: "always",
    summary: "The API server responds, and its version is Kubernetes 1.28 or later.",
    remedy: "Upgrade the cluster. Before version 1.28, the API server does not support `matchConditions` of webhooks.",
    judge: ({ api }) =>
      given(api, ({ major, minor }) =>
        major > 1 || minor >= OLDEST
          ? ok(`Kubernetes is ${major}.${minor}`)
          : failed(`Kubernetes is ${major}.${minor}; expected 1.${OLDEST} or later`),
      ),
  },
  NATIVE_SIDECARS: {
    section: "prerequisites",
    when: "always",
    summary: "The cluster supports native sidecars (Kubernetes 1.29 or later).",
    remedy:
      "Upgrade the cluster, or accept classic mode. In classic mode, the sidecar is an ordinary container that starts first, and pods of Jobs do not complete because the sidecar keeps running.",
    judge: ({ api }) =>
      given(api, ({ major, minor }) => {
        if (major > 1 || minor >= NATIVE_SINCE) return ok("native sidecars are enabled");
        return minor < OLDEST
          ? skipped("The cluster is too old for podrole (API_VERSION)")
          : warning(
              `Kubernetes 1.${minor} has no native sidecars, so pods run in classic mode; expected 1.${NATIVE_SINCE} or later`,
            );
      }),
  },
  ADMISSION_API: {
    section: "prerequisites",
    when: "always",
    summary: "The API server serves `admissionregistration.k8s.io/v1`.",
    remedy: "Enable this API group and the admission plugin `MutatingAdmissionWebhook` in the API server.",
    judge: ({ webhookConfigurations }) =>
      given(webhookConfigurations, () => ok("mutating webhook configurations can be read")),
  },
  INSTALL_RIGHTS: {
    section: "prerequisites",
    when: "pre",
    summary: "You have the permission to create every object of the manifests.",
    remedy: "For the installation, request `cluster-admin` or the permissions that the message names.",
    judge: ({ ownRights }) =>
      lackingOf(ownRights, "Cannot install podrole: you", "you have the permissions to install podrole"),
  },
  NOT_INSTALLED: {
    section: "prerequisites",
    when: "pre",
    summary: "No other installation of podrole is registered in this cluster.",
    remedy: `Upgrade the existing installation instead of adding a second one (${PAGE.upgrade}).`,
    judge: ({ webhookConfigurations }) =>
      given(webhookConfigurations, (configurations) => {
        const present = configurations.filter(({ webhooks = [] }) =>
          webhooks.some(({ name }) => name === "pods.podrole.io"),
        );
        return orOk(
          present.map(({ metadata }) =>
            warning(
              "podrole is already registered; expected no registered webhook of podrole",
              `mutatingwebhookconfiguration ${metadata.name}`,
            ),
          ),
          "podrole is not registered yet",
        );
      }),
  },
} as const satisfies CheckTable;

/** Judges rights that must be granted; a failure's message begins with `beginning`. */
export function lackingOf(judged: readonly JudgedRight[], beginning: string, okMessage: string): Verdict {
  const unknown = judged.find(({ allowed }) => "unknown" in allowed);
  if (unknown && "unknown" in unknown.allowed) return skipped(unknown.allowed.unknown);
  const lacking = judged.filter(({ allowed }) => "value" in allowed && !allowed.value);
  if (lacking.length === 0) return ok(okMessage);
  return failed(`${beginning} may not ${lacking.map(({ right }) => formatRight(right)).join(", ")}`);
}
