// podrole's MutatingWebhookConfiguration, as manifests/base/webhook-configuration.yaml has it with the reasons, so that
// the command line can register the webhook without the sources. A test compares the two. Pure.
import { SYSTEM_NAMESPACES } from "../injection/skip-reasons.ts";

const PLACE = { name: "podrole-webhook", path: "/mutate", port: 443 };
const NOT_A_MIRROR_POD =
  "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)";
const NOT_OPTED_OUT =
  "!has(object.metadata.annotations) || !('podrole.io/inject' in object.metadata.annotations) || object.metadata.annotations['podrole.io/inject'] != 'disabled'";

/** Returns the object for the webhook in `namespace`. podrole's server fills in caBundle. */
export function webhookConfiguration(namespace: string): object {
  const excluded = [namespace, ...SYSTEM_NAMESPACES];
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "podrole", labels: { "app.kubernetes.io/part-of": "podrole" } },
    webhooks: [
      {
        name: "pods.podrole.io",
        admissionReviewVersions: ["v1"],
        clientConfig: { service: { ...PLACE, namespace } },
        rules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "Namespaced" },
        ],
        namespaceSelector: {
          matchLabels: { "podrole.io/inject": "enabled" },
          matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: excluded }],
        },
        matchConditions: [
          { name: "not-a-mirror-pod", expression: NOT_A_MIRROR_POD },
          { name: "not-opted-out", expression: NOT_OPTED_OUT },
        ],
        failurePolicy: "Fail",
        matchPolicy: "Equivalent",
        reinvocationPolicy: "IfNeeded",
        sideEffects: "None",
        timeoutSeconds: 5,
      },
    ],
  };
}
