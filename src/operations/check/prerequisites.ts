// What must be there before podrole is.
import { PAGE } from "./pages.ts";
import { type CheckTable, failed, given, ok, orOk, skipped, type Verdict, warning } from "./finding.ts";
import { rightInWords } from "./rights.ts";
import type { JudgedRight } from "./facts.ts";

/** manifests/base: matchConditions are on since 1.28. */
const OLDEST = 28;
/** Native sidecars are on since 1.29. */
const NATIVE_SINCE = 29;

export const PREREQUISITES = {
  API_VERSION: {
    section: "prerequisites",
    when: "always",
    summary: "The API server answers, and is Kubernetes 1.28 or newer.",
    remedy: "Upgrade the cluster: before 1.28 the webhook configuration's `matchConditions` are unknown.",
    judge: ({ api }) =>
      given(api, ({ major, minor }) =>
        major > 1 || minor >= OLDEST
          ? ok(`Kubernetes is ${major}.${minor}`)
          : failed(`Kubernetes is ${major}.${minor}, wanted 1.${OLDEST} or newer`),
      ),
  },
  NATIVE_SIDECARS: {
    section: "prerequisites",
    when: "always",
    summary: "The cluster has native sidecars (1.29 or newer).",
    remedy:
      "Nothing, if you accept classic mode: the sidecar is an ordinary container that starts first, and Jobs need a sidecar that ends with them. Better: upgrade the cluster.",
    judge: ({ api }) =>
      given(api, ({ major, minor }) => {
        if (major > 1 || minor >= NATIVE_SINCE) return ok("native sidecars are on");
        return minor < OLDEST
          ? skipped("The cluster is too old in any case")
          : warning(`Kubernetes 1.${minor} has no native sidecars, wanted 1.${NATIVE_SINCE}: pods get classic mode`);
      }),
  },
  ADMISSION_API: {
    section: "prerequisites",
    when: "always",
    summary: "The API server serves `admissionregistration.k8s.io/v1`.",
    remedy: "Do not disable the API group or the admission plugin `MutatingAdmissionWebhook`.",
    judge: ({ webhookConfigurations }) =>
      given(webhookConfigurations, () => ok("mutating webhook configurations can be read")),
  },
  INSTALL_RIGHTS: {
    section: "prerequisites",
    when: "pre",
    summary: "You may create what the manifests consist of.",
    remedy: "Ask for `cluster-admin`, or for the rights that the message names, for as long as you install.",
    judge: ({ ownRights }) => lackingOf(ownRights, "Cannot install podrole: you", "you may install podrole"),
  },
  NOT_INSTALLED: {
    section: "prerequisites",
    when: "pre",
    summary: "No other podrole is registered in this cluster.",
    remedy: `Upgrade what is there instead of installing a second one (${PAGE.upgrade}).`,
    judge: ({ webhookConfigurations }) =>
      given(webhookConfigurations, (configurations) => {
        const present = configurations.filter(({ webhooks = [] }) =>
          webhooks.some(({ name }) => name === "pods.podrole.io"),
        );
        return orOk(
          present.map(({ metadata }) =>
            warning("podrole is registered already", `mutatingwebhookconfiguration ${metadata.name}`),
          ),
          "podrole is not registered yet",
        );
      }),
  },
} as const satisfies CheckTable;

/** One verdict over rights that must be there. */
export function lackingOf(judged: readonly JudgedRight[], beginning: string, well: string): Verdict {
  const unknown = judged.find(({ allowed }) => "unknown" in allowed);
  if (unknown && "unknown" in unknown.allowed) return skipped(unknown.allowed.unknown);
  const lacking = judged.filter(({ allowed }) => "value" in allowed && !allowed.value);
  if (lacking.length === 0) return ok(well);
  return failed(`${beginning} may not ${lacking.map(({ right }) => rightInWords(right)).join(", ")}`);
}
