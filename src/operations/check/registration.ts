// Checks of how the API server calls the webhook: podrole's MutatingWebhookConfiguration, those of others, and one real call.
import type { Facts, RegisteredWebhook, WebhookConfigurationObject } from "./facts.ts";
import { type Check, type CheckTable, failed, given, ok, orOk, skipped, type Verdict, warning } from "./finding.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";

const WEBHOOK = "pods.podrole.io";
/** In seconds. The webhook's own look-ups time out after 3 s; above 10 s, a broken webhook delays every creation of a pod. */
const TIMEOUTS = { least: 4, most: 10 };

interface OwnWebhook {
  readonly webhook: RegisteredWebhook;
  readonly object: string;
}

/** podrole's webhooks: known by name, or by a Service in podrole's namespace. */
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
const ownWebhookCheck = (
  texts: { readonly summary: string; readonly remedy: string; readonly okMessage: string },
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
        texts.okMessage,
      );
    }),
});

export const REGISTRATION = {
  WEBHOOK_REGISTERED: {
    section: "registration",
    when: "installed",
    summary: "Exactly one MutatingWebhookConfiguration registers podrole's webhook.",
    remedy: "Apply `manifests/base/webhook-configuration.yaml`; delete the one of an earlier installation.",
    judge: ({ webhookConfigurations, namespace }) =>
      given(webhookConfigurations, (configurations) => {
        const own = ownWebhooks(configurations, namespace);
        if (own.length === 0)
          return failed("No MutatingWebhookConfiguration registers podrole's webhook; expected one");
        return own.length === 1
          ? ok(`${own[0]?.object} registers it`)
          : warning(
              `${own.length} webhooks lead to podrole: ${own.map(({ object }) => object).join(", ")}; expected one`,
            );
      }),
  },
  WEBHOOK_RULES: ownWebhookCheck(
    {
      summary: "The API server calls the webhook for every creation of a pod.",
      remedy: "Apply `manifests/base/webhook-configuration.yaml` again.",
      okMessage: "its rules contain CREATE of pods",
    },
    ({ webhook: { rules = [] }, object }) =>
      rules.some(
        ({ resources, operations }) =>
          (resources?.includes("pods") || resources?.includes("*")) &&
          (operations?.includes("CREATE") || operations?.includes("*")),
      )
        ? []
        : [failed("Its rules do not contain CREATE of pods; expected it", object)],
  ),
  FAILURE_POLICY: ownWebhookCheck(
    {
      summary:
        "`failurePolicy` is `Fail`: while the webhook is unavailable, no pods are created in labelled namespaces.",
      remedy:
        "Set it to `Fail`. With `Ignore`, a pod that is created while the webhook is unavailable runs with the node's role, or without one.",
      okMessage: "failurePolicy is Fail",
    },
    ({ webhook: { failurePolicy = "Fail" }, object }) =>
      failurePolicy === "Fail" ? [] : [warning(`failurePolicy is ${failurePolicy}; expected Fail`, object)],
  ),
  WEBHOOK_TIMEOUT: ownWebhookCheck(
    {
      summary: "`timeoutSeconds` is long enough for the webhook's own look-ups, and does not delay creations for long.",
      remedy: "Set it to 5.",
      okMessage: "timeoutSeconds is between 4 and 10",
    },
    ({ webhook: { timeoutSeconds = 10 }, object }) =>
      timeoutSeconds >= TIMEOUTS.least && timeoutSeconds <= TIMEOUTS.most
        ? []
        : [warning(`timeoutSeconds is ${timeoutSeconds}; expected ${TIMEOUTS.least} to ${TIMEOUTS.most}`, object)],
  ),
  WEBHOOK_SELECTOR: ownWebhookCheck(
    {
      summary: "The selectors match labelled namespaces, and exclude podrole's own and kube-system.",
      remedy:
        "Apply `manifests/base/webhook-configuration.yaml` again. A webhook that is called for its own pods cannot be started again once it is down.",
      okMessage: "labelled namespaces are selected; podrole's own and kube-system are not",
    },
    ({ webhook: { namespaceSelector, objectSelector }, object }, { namespace }) => {
      const selects = (name: string) =>
        matchesLabels(namespaceSelector, { "podrole.io/inject": "enabled", "kubernetes.io/metadata.name": name });
      const deadlock = [namespace, "kube-system"].filter(selects);
      return [
        ...(selects("any-other-namespace")
          ? []
          : [failed("A labelled namespace is not selected; expected it to be", object)]),
        ...deadlock.map((name) => failed(`Namespace "${name}" can be selected; expected it to be excluded`, object)),
        ...(objectSelector && !matchesLabels(objectSelector, {})
          ? [warning("objectSelector excludes pods without labels; expected no objectSelector", object)]
          : []),
      ];
    },
  ),
  OTHER_WEBHOOKS: ownWebhookCheck(
    {
      summary:
        "The API server calls podrole again if a later webhook changed the pod (`reinvocationPolicy: IfNeeded`).",
      remedy:
        "Set `reinvocationPolicy: IfNeeded`. Otherwise a container that another injector adds has no credentials, or the node's.",
      okMessage: "reinvocationPolicy is IfNeeded",
    },
    ({ webhook: { reinvocationPolicy = "Never" }, object }, { webhookConfigurations, namespace }) => {
      if (reinvocationPolicy === "IfNeeded") return [];
      const all = "value" in webhookConfigurations ? webhookConfigurations.value : [];
      const others = all.filter((one) => changesPods(one) && ownWebhooks([one], namespace).length === 0);
      const names = others.map(({ metadata }) => metadata.name).join(", ");
      const state = others.length === 0 ? "no other webhook changes pods" : `other webhooks change pods too: ${names}`;
      return [warning(`reinvocationPolicy is ${reinvocationPolicy} (${state}); expected IfNeeded`, object)];
    },
  ),
  ADMISSION: {
    section: "registration",
    when: "installed",
    summary:
      "The API server reaches the webhook and trusts it: a dry run of a pod that podrole must refuse is refused (metrics and audit count it as ANNOTATION_INVALID).",
    remedy:
      "The message is the API server's. If the certificate is not trusted, see CA_BUNDLE. If the connection times out or is refused, check the Deployment, NetworkPolicies and firewalls (port 9443 from the control plane to the nodes).",
    judge: ({ admission }) =>
      given(admission, (found) => {
        const where = `namespace ${found.namespace}`;
        switch (found.answer) {
          case "refused by podrole":
            return ok(`the webhook responded to a dry run in namespace "${found.namespace}"`);
          case "admitted":
            return failed(
              "The API server admitted a dry run of a pod without podrole; expected podrole's webhook to refuse it",
              where,
            );
          case "not reached":
            return failed(`The API server cannot call the webhook: ${found.message}`, where);
        }
      }),
  },
} as const satisfies CheckTable;

function changesPods({ webhooks = [] }: WebhookConfigurationObject): boolean {
  return webhooks.some(({ rules = [] }) => rules.some(({ resources }) => resources?.includes("pods")));
}
