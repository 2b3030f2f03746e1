// How the API server calls the webhook: podrole's MutatingWebhookConfiguration, those of others, and one call for real.
import type { Facts, RegisteredWebhook, WebhookConfigurationObject } from "./facts.ts";
import { type Check, type CheckTable, failed, given, ok, orOk, skipped, type Verdict, warning } from "./finding.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";

const WEBHOOK = "pods.podrole.io";
/** The webhook's own look-ups end after 3 s; above 10 s a broken webhook holds every creation of a pod. */
const TIMEOUTS = { least: 4, most: 10 };

interface OwnWebhook {
  readonly webhook: RegisteredWebhook;
  readonly object: string;
}

/** podrole's webhooks: by name, or because they lead to a Service of podrole's namespace. */
export function ownWebhooks(
  configurations: readonly WebhookConfigurationObject[],
  namespace: string,
): readonly OwnWebhook[] {
  return configurations.flatMap(({ metadata, webhooks = [] }) =>
    webhooks
      .filter(({ name, clientConfig }) => name === WEBHOOK || clientConfig.service?.namespace === namespace)
      .map((webhook) => ({ webhook, object: `mutatingwebhookconfiguration ${metadata.name}` })),
  );
}

/** A check of each of podrole's own webhooks. */
const ofOwn = (
  texts: { readonly summary: string; readonly remedy: string; readonly well: string },
  judge: (own: OwnWebhook, facts: Facts) => readonly Verdict[],
): Check => ({
  section: "registration",
  when: "installed",
  summary: texts.summary,
  remedy: texts.remedy,
  judge: (facts) =>
    given(facts.webhookConfigurations, (configurations) => {
      const own = ownWebhooks(configurations, facts.namespace);
      if (own.length === 0) return skipped("podrole's webhook is not registered");
      return orOk(
        own.flatMap((one) => judge(one, facts)),
        texts.well,
      );
    }),
});

export const REGISTRATION = {
  WEBHOOK_REGISTERED: {
    section: "registration",
    when: "installed",
    summary: "One MutatingWebhookConfiguration sends pods to podrole's webhook.",
    remedy:
      "Apply `manifests/base/webhook-configuration.yaml`; delete the one that is left of an earlier installation.",
    judge: ({ webhookConfigurations, namespace }) =>
      given(webhookConfigurations, (configurations) => {
        const own = ownWebhooks(configurations, namespace);
        if (own.length === 0) return failed("No MutatingWebhookConfiguration leads to podrole's webhook, wanted one");
        return own.length === 1
          ? ok(`${own[0]?.object} leads to it`)
          : warning(
              `${own.length} webhooks lead to podrole: ${own.map(({ object }) => object).join(", ")}, wanted one`,
            );
      }),
  },
  WEBHOOK_RULES: ofOwn(
    {
      summary: "The webhook is asked about every creation of a pod.",
      remedy: "Apply `manifests/base/webhook-configuration.yaml` again.",
      well: "creations of pods are sent to it",
    },
    ({ webhook: { rules = [] }, object }) =>
      rules.some(
        ({ resources, operations }) =>
          (resources?.includes("pods") || resources?.includes("*")) &&
          (operations?.includes("CREATE") || operations?.includes("*")),
      )
        ? []
        : [failed("Its rules do not have CREATE of pods, wanted it", object)],
  ),
  FAILURE_POLICY: ofOwn(
    {
      summary: "`failurePolicy` is `Fail`: without the webhook, pods of labelled namespaces wait.",
      remedy:
        "Set it to `Fail`. With `Ignore` a pod that is created while the webhook is away runs with the node's role, or with none.",
      well: "pods wait for the webhook (Fail)",
    },
    ({ webhook: { failurePolicy = "Fail" }, object }) =>
      failurePolicy === "Fail" ? [] : [warning(`failurePolicy is ${failurePolicy}, wanted Fail`, object)],
  ),
  WEBHOOK_TIMEOUT: ofOwn(
    {
      summary: "`timeoutSeconds` leaves the webhook time for its own look-ups, and does not hold creations for long.",
      remedy: "Set it to 5.",
      well: "its timeout is between 4 and 10 s",
    },
    ({ webhook: { timeoutSeconds = 10 }, object }) =>
      timeoutSeconds >= TIMEOUTS.least && timeoutSeconds <= TIMEOUTS.most
        ? []
        : [warning(`timeoutSeconds is ${timeoutSeconds}, wanted ${TIMEOUTS.least} to ${TIMEOUTS.most}`, object)],
  ),
  WEBHOOK_SELECTOR: ofOwn(
    {
      summary: "The selectors take labelled namespaces, and leave podrole's own and Kubernetes' alone.",
      remedy:
        "Apply `manifests/base/webhook-configuration.yaml` again. A webhook that is asked about its own pods cannot start them when it is away.",
      well: "labelled namespaces are selected, podrole's own and kube-system are not",
    },
    ({ webhook: { namespaceSelector, objectSelector }, object }, { namespace }) => {
      const takes = (name: string) =>
        matchesLabels(namespaceSelector, { "podrole.io/inject": "enabled", "kubernetes.io/metadata.name": name });
      const deadlock = [namespace, "kube-system"].filter(takes);
      return [
        ...(takes("any-other-namespace") ? [] : [failed("A labelled namespace is not selected, wanted it", object)]),
        ...deadlock.map((name) => failed(`Namespace "${name}" could be selected, wanted it excluded`, object)),
        ...(objectSelector && !matchesLabels(objectSelector, {})
          ? [warning("objectSelector leaves out pods without labels of their own, wanted none", object)]
          : []),
      ];
    },
  ),
  OTHER_WEBHOOKS: ofOwn(
    {
      summary: "podrole is asked again when a webhook after it changed the pod (`reinvocationPolicy: IfNeeded`).",
      remedy:
        "Set `reinvocationPolicy: IfNeeded`: a container that another injector adds would have no credentials, or the node's.",
      well: "podrole is asked again after other webhooks",
    },
    ({ webhook: { reinvocationPolicy = "Never" }, object }, { webhookConfigurations, namespace }) => {
      if (reinvocationPolicy === "IfNeeded") return [];
      const all = "value" in webhookConfigurations ? webhookConfigurations.value : [];
      const others = all.filter((one) => changesPods(one) && ownWebhooks([one], namespace).length === 0);
      const names = others.map(({ metadata }) => metadata.name).join(", ");
      const state = others.length === 0 ? "no other changes pods yet" : `others change pods as well: ${names}`;
      return [warning(`reinvocationPolicy is ${reinvocationPolicy} (${state}), wanted IfNeeded`, object)];
    },
  ),
  ADMISSION: {
    section: "registration",
    when: "installed",
    summary:
      "The API server really reaches the webhook and trusts it: a dry run of a pod that podrole must refuse is refused (it counts as ANNOTATION_INVALID in metrics and audit).",
    remedy:
      "The message is the API server's: a certificate that is not trusted is `caBundle`'s matter, a timeout or refused connection a NetworkPolicy's, a firewall's (port 9443 from the control plane to the nodes) or the Deployment's.",
    judge: ({ admission }) =>
      given(admission, (found) => {
        const where = `namespace ${found.namespace}`;
        switch (found.answer) {
          case "refused by podrole":
            return ok(`the webhook answered a dry run in namespace "${found.namespace}"`);
          case "let through":
            return failed("A dry run of a pod was let through without podrole, wanted its webhook's answer", where);
          case "not reached":
            return failed(`The API server cannot call the webhook: ${found.said}`, where);
        }
      }),
  },
} as const satisfies CheckTable;

function changesPods({ webhooks = [] }: WebhookConfigurationObject): boolean {
  return webhooks.some(({ rules = [] }) => rules.some(({ resources }) => resources?.includes("pods")));
}
