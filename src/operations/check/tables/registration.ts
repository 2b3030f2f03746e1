// Checks of how the API server calls the webhook: podrole's MutatingWebhookConfiguration, those of others, and one real
// call.

import { matchesLabels } from "../../../kubernetes/selectors.ts";
import { INJECT_ENABLED, LABELS } from "../../../policy/annotations.ts";
import { requirementsOf } from "../../answer.ts";
import type { InstallationFacts } from "../../installation-facts.ts";
import { REGISTERED_STEP, registerStep } from "../../installer.ts";
import { restartsOfUninjected, unregisteredScope } from "../../uninjected-cause.ts";
import type { Facts, WebhookConfigurationObject } from "../facts.ts";
import {
  type CheckRow,
  type CheckVerdict,
  failed,
  inSection,
  judgeKnown,
  ok,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  warning,
  withDiagnosis,
} from "../finding.ts";
import {
  describeObject,
  type OwnWebhook,
  ownWebhooks,
  podroleConfigurations,
  TRY_WEBHOOK_NAME,
} from "../own-webhooks.ts";
import { surroundingsOf } from "../workloads.ts";

/**
 * In seconds. The webhook's own look-ups time out after 3 s; above 10 s, a broken webhook delays every creation of a
 * pod.
 */
const TIMEOUT_RANGE = { least: 4, most: 10 };

/** A check of each of podrole's own webhooks. */
const ownWebhookCheck = (
  texts: { readonly summary: string; readonly remedy: string; readonly okMessage: string },
  judge: (own: OwnWebhook, facts: Facts) => readonly CheckVerdict[],
): CheckRow => ({
  summary: texts.summary,
  remedy: texts.remedy,
  judge: (facts) =>
    judgeKnown(facts.webhookConfigurations, (configurations) => {
      const own = ownWebhooks(configurations, facts.namespace);
      if (own.length === 0) return skipped("podrole's webhook is not registered");
      return problemsOrOk(
        own.flatMap((webhook) => judge(webhook, facts)),
        texts.okMessage,
      );
    }),
});

/** Checks of section "registration". */
export const REGISTRATION_CHECKS = inSection("registration", "installed", {
  WEBHOOK_REGISTERED: {
    summary: "Exactly one MutatingWebhookConfiguration registers podrole's webhook.",
    remedy:
      "If none is registered, run `podrole check --print-webhook | kubectl apply -f -`, or apply the manifests or the chart again. If there are several, delete the MutatingWebhookConfiguration that an earlier installation left, or remove the try installation (`kubectl delete -k manifests/overlays/try`).",
    judge: (facts) =>
      judgeKnown(facts.webhookConfigurations, (configurations) => {
        const { namespace } = facts;
        const own = ownWebhooks(configurations, namespace);
        if (own.length === 0) return unregistered(surroundingsOf(facts).installation);
        const foreign = podroleConfigurations(configurations).filter(
          (each) => ownWebhooks([each], namespace).length === 0,
        );
        const objects = [...own.map(({ object }) => object), ...foreign.map(describeObject)];
        return objects.length === 1
          ? ok(`${objects[0]} registers podrole's webhook`)
          : warning(`${objects.length} webhooks call podrole: ${objects.join(", ")}; expected one`);
      }),
  },
  WEBHOOK_RULES: ownWebhookCheck(
    {
      summary:
        "The rules of the webhook configuration contain the creation of pods; WEBHOOK_SELECTOR checks which pods are selected.",
      remedy: "Apply `manifests/base/webhook-configuration.yaml` again.",
      okMessage: "the webhook's rules contain CREATE of pods",
    },
    ({ webhook: { rules = [] }, object }) =>
      rules.some(
        ({ resources, operations }) =>
          (resources?.includes("pods") || resources?.includes("*")) &&
          (operations?.includes("CREATE") || operations?.includes("*")),
      )
        ? []
        : [failed("The webhook's rules do not contain CREATE of pods; expected this rule", object)],
  ),
  FAILURE_POLICY: ownWebhookCheck(
    {
      summary:
        "`failurePolicy` is `Fail`, so that no pod is created in a labelled namespace while the webhook is unavailable.",
      remedy:
        "Set `failurePolicy` to `Fail`. With `Ignore`, a pod that is created while the webhook is unavailable runs without a role or with the node's role.",
      okMessage: "failurePolicy is Fail",
    },
    ({ webhook: { failurePolicy = "Fail" }, object }) =>
      failurePolicy === "Fail" ? [] : [warning(`failurePolicy is ${failurePolicy}; expected Fail`, object)],
  ),
  WEBHOOK_TIMEOUT: ownWebhookCheck(
    {
      summary:
        "`timeoutSeconds` is from 4 to 10: long enough for the webhook's own look-ups (3 s), and short enough that a broken webhook does not delay the creation of pods for long.",
      remedy: "Set `timeoutSeconds` to 5.",
      okMessage: "timeoutSeconds is between 4 and 10",
    },
    ({ webhook: { timeoutSeconds = 10 }, object }) =>
      timeoutSeconds >= TIMEOUT_RANGE.least && timeoutSeconds <= TIMEOUT_RANGE.most
        ? []
        : [
            warning(
              `timeoutSeconds is ${timeoutSeconds}; expected ${TIMEOUT_RANGE.least} to ${TIMEOUT_RANGE.most}`,
              object,
            ),
          ],
  ),
  WEBHOOK_SELECTOR: ownWebhookCheck(
    {
      summary: "The selectors match labelled namespaces, and exclude podrole's own namespace and kube-system.",
      remedy:
        "Apply `manifests/base/webhook-configuration.yaml` again. If the API server calls the webhook for the webhook's own pods, no such pod can be created once all of them are down.",
      okMessage: "labelled namespaces are selected; podrole's own namespace and kube-system are not",
    },
    ({ webhook: { name: webhookName, namespaceSelector, objectSelector }, object }, { namespace }) => {
      // A try installation is called for namespaces of its own only.
      const own = webhookName === TRY_WEBHOOK_NAME ? { [LABELS.tried]: "true" } : {};
      const selects = (name: string) =>
        matchesLabels(namespaceSelector, {
          ...{ [LABELS.inject]: INJECT_ENABLED, "kubernetes.io/metadata.name": name },
          ...own,
        });
      const deadlock = [namespace, "kube-system"].filter(selects);
      return [
        ...(selects("any-other-namespace")
          ? []
          : [failed("A labelled namespace is not selected; expected labelled namespaces to be selected", object)]),
        ...deadlock.map((name) => failed(`Namespace "${name}" can be selected; expected it to be excluded`, object)),
        ...(objectSelector && !matchesLabels(objectSelector, {})
          ? [warning("objectSelector excludes pods without labels; expected no objectSelector", object)]
          : []),
      ];
    },
  ),
  WEBHOOK_CALLERS: {
    summary: "The webhook distinguishes the API server from other callers.",
    remedy: `Set \`--api-server-ca\`, or \`--api-server-cidrs\` where the API server cannot present a client certificate; ${REMEDY_PAGES.apiServer} shows how to find the values. Without either, every address that reaches the webhook's port may call it.`,
    judge: ({ installed }) =>
      judgeKnown(installed, ({ webhook }) => {
        if (!webhook) return skipped("The webhook is not deployed");
        if (!webhook.settings) return skipped("The webhook's settings cannot be read");
        const { apiServerCa, apiServerCidrs } = webhook.settings;
        if (apiServerCa !== undefined) return ok("the webhook requires the API server's client certificate");
        if (apiServerCidrs !== undefined) return ok("the webhook has the API server's addresses");
        return warning(
          "The webhook cannot distinguish the API server from other callers; expected --api-server-ca or --api-server-cidrs",
          `deployment ${webhook.deployment}`,
        );
      }),
  },
  OTHER_WEBHOOKS: ownWebhookCheck(
    {
      summary:
        "The API server calls podrole again if another webhook changes the pod after podrole did (`reinvocationPolicy: IfNeeded`).",
      remedy:
        "Set `reinvocationPolicy: IfNeeded`. Otherwise, a container that another injector adds has no credentials or those of the node's role, and an init container that it puts first waits for podrole-sidecar, which starts after it.",
      okMessage: "reinvocationPolicy is IfNeeded",
    },
    ({ webhook: { reinvocationPolicy = "Never" }, object }, { webhookConfigurations, namespace }) => {
      if (reinvocationPolicy === "IfNeeded") return [];
      const all = "value" in webhookConfigurations ? webhookConfigurations.value : [];
      const others = all.filter(
        (configuration) => changesPods(configuration) && ownWebhooks([configuration], namespace).length === 0,
      );
      const names = others.map(({ metadata }) => metadata.name).join(", ");
      const state = others.length === 0 ? "no other webhook changes pods" : `other webhooks change pods too: ${names}`;
      return [warning(`reinvocationPolicy is ${reinvocationPolicy} (${state}); expected IfNeeded`, object)];
    },
  ),
  ADMISSION: {
    summary:
      "The API server can call the webhook and trusts its certificate. To test this, the check creates, as a dry run, a pod that podrole must refuse; the webhook's metrics and audit log show the refusal as ANNOTATION_INVALID.",
    remedy:
      "Read the message, which comes from the API server. If the certificate is not trusted, see CA_BUNDLE. If the connection times out or is refused, check the webhook's Deployment, NetworkPolicies and firewalls, which must permit port 9443 from the control plane to the nodes.",
    judge: ({ admission }) =>
      judgeKnown(admission, (found) => {
        const where = `namespace ${found.namespace}`;
        switch (found.answer) {
          case "refused by podrole":
            return ok(`the webhook responded to a dry run in namespace "${found.namespace}"`);
          case "admitted":
            return failed(
              "The API server does not call podrole's webhook: it admitted a test pod (a dry run, which creates nothing) that names no role, so that podrole's admission policy does not refuse it; expected the webhook to refuse that pod",
              where,
            );
          case "not reached":
            return failed(`The API server cannot call the webhook: ${found.message}`, where);
        }
      }),
  },
});

function unregistered(installation: InstallationFacts = {}): CheckVerdict {
  const { running } = installation;
  const message =
    "No MutatingWebhookConfiguration registers podrole's webhook, so no new pod is injected; expected one";
  const steps = [registerStep(installation), REGISTERED_STEP];
  const requires = requirementsOf(steps);
  const forAll = restartsOfUninjected(running);
  return withDiagnosis(
    failed(message),
    {
      scope: unregisteredScope(running),
      ...(requires !== undefined && { requires }),
      ...(forAll !== undefined && { forAll }),
      verify: "the second command shows none of these checks, and podrole status -A no pod as not injected",
    },
    steps,
  );
}

function changesPods({ webhooks = [] }: WebhookConfigurationObject): boolean {
  return webhooks.some(({ rules = [] }) => rules.some(({ resources }) => resources?.includes("pods")));
}
