// Checks of what podrole needs before it is installed.
import { hasNativeSidecars, MIN_NATIVE_MINOR } from "../../../settings/plan-settings.ts";
import { failed, inSection, judgeKnown, ok, problemsOrOk, REMEDY_PAGES, skipped, warning } from "../finding.ts";
import { podroleConfigurations } from "../own-webhooks.ts";
import { judgeRights } from "./rbac.ts";

/**
 * matchConditions of webhooks are enabled since 1.28
 * (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/).
 */
const MIN_MINOR = 28;

/** Checks of section "prerequisites"; the last two run only before an installation. */
export const PREREQUISITE_CHECKS = {
  ...inSection("prerequisites", "always", {
    API_VERSION: {
      summary: "The API server responds, and its version is Kubernetes 1.28 or later.",
      remedy:
        "Upgrade the cluster. Before version 1.28, the API server does not support `matchConditions` of webhooks.",
      judge: ({ api }) =>
        judgeKnown(api, ({ major, minor }) =>
          major > 1 || minor >= MIN_MINOR
            ? ok(`Kubernetes is ${major}.${minor}`)
            : failed(`Kubernetes is ${major}.${minor}; expected 1.${MIN_MINOR} or later`),
        ),
    },
    NATIVE_SIDECARS: {
      summary: "The cluster supports native sidecars (Kubernetes 1.29 or later).",
      remedy:
        "Upgrade the cluster, or accept classic mode. In classic mode, the sidecar is an ordinary container that starts first, and pods of Jobs do not complete because the sidecar keeps running.",
      judge: ({ api }) =>
        judgeKnown(api, (version) => {
          if (hasNativeSidecars(version)) return ok("native sidecars are enabled");
          return version.minor < MIN_MINOR
            ? skipped("The cluster is too old for podrole (API_VERSION)")
            : warning(
                `Kubernetes 1.${version.minor} has no native sidecars, so pods run in classic mode; expected 1.${MIN_NATIVE_MINOR} or later`,
              );
        }),
    },
    ADMISSION_API: {
      summary: "The API server serves `admissionregistration.k8s.io/v1`.",
      remedy: "Enable this API group and the admission plugin `MutatingAdmissionWebhook` in the API server.",
      judge: ({ webhookConfigurations }) =>
        judgeKnown(webhookConfigurations, () => ok("mutating webhook configurations can be read")),
    },
  }),
  ...inSection("prerequisites", "pre", {
    INSTALL_RIGHTS: {
      summary: "You have the permission to create every object of the manifests.",
      remedy: "For the installation, request `cluster-admin` or the permissions that the message names.",
      judge: ({ ownRights }) =>
        judgeRights(ownRights, "Cannot install podrole: you", "you have the permissions to install podrole"),
    },
    NOT_INSTALLED: {
      summary: "No other installation of podrole is registered in this cluster.",
      remedy: `Upgrade the existing installation instead of adding a second one (${REMEDY_PAGES.upgrade}). Remove a try installation with \`kubectl delete -k manifests/overlays/try\`.`,
      judge: ({ webhookConfigurations }) =>
        judgeKnown(webhookConfigurations, (configurations) =>
          problemsOrOk(
            podroleConfigurations(configurations).map(({ metadata }) =>
              warning(
                "podrole is already registered; expected no registered webhook of podrole",
                `mutatingwebhookconfiguration ${metadata.name}`,
              ),
            ),
            "podrole is not registered yet",
          ),
        ),
    },
  }),
};
