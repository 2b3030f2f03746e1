// Cases: how the webhook is called, metrics of the programs, namespaces and pods.

import {
  annotated,
  type Broken,
  guardWith,
  registered,
  serverReports,
  withoutWebhookSetting,
  withPinnedRoles,
  withWebhookSetting,
} from "./defects.ts";
import { barePod, HEALTHY_NAMESPACE, healthyFacts, healthyPod, knownFact, ownConfiguration } from "./healthy.ts";

/** An injected pod whose sidecar has this entry in its status. */
function withSidecar(entry: object) {
  const status = { phase: "Pending", initContainerStatuses: [{ name: "podrole-sidecar", ...entry }] };
  return { ...healthyPod(), status };
}

function rangeInShop(...limits: readonly object[]) {
  return { metadata: { name: "sizes", namespace: "shop" }, spec: { limits } };
}

function quotaInShop(hard: Readonly<Record<string, string>>, used: Readonly<Record<string, string>>) {
  return { metadata: { name: "team", namespace: "shop" }, spec: { hard }, status: { hard, used } };
}

/** An injected pod whose app has a variable that SDKs read before podrole's. */
function podWithOwnCredentials() {
  const pod = structuredClone(healthyPod());
  pod.spec.containers[0]?.env?.unshift({ name: "AWS_SHARED_CREDENTIALS_FILE", value: "/aws/credentials" });
  return pod;
}

const GUARD = "ANNOTATIONS_GUARDED";
const BROKEN_GUARDS: readonly Broken[] = [
  [
    "no policy on pods/status",
    { admissionPolicies: knownFact({ policies: [], bindings: [] }) },
    GUARD,
    "warning",
    /There is no ValidatingAdmissionPolicy/,
  ],
  [
    "a policy on pods/status without its rule",
    guardWith({ matchConstraints: { resourceRules: [] } }),
    GUARD,
    "warning",
    /do not contain UPDATE/,
  ],
  [
    "a policy on pods/status without the rule for bindings",
    guardWith({ matchConstraints: { resourceRules: [{ operations: ["UPDATE"], resources: ["pods/status"] }] } }),
    GUARD,
    "warning",
    /do not contain CREATE of pods\/binding/,
  ],
  [
    "a policy on pods/status that is ignored when it fails",
    guardWith({ failurePolicy: "Ignore" }),
    GUARD,
    "warning",
    /failurePolicy is Ignore/,
  ],
  [
    "a policy on pods/status that only warns",
    guardWith({}, { validationActions: ["Warn"] }),
    GUARD,
    "warning",
    /No binding/,
  ],
  [
    "a policy on pods/status for some namespaces",
    guardWith({}, { matchResources: { namespaceSelector: { matchLabels: { team: "shop" } } } }),
    GUARD,
    "warning",
    /No binding/,
  ],
];

export const BROKEN_USE: readonly Broken[] = [
  [
    "no registration",
    { webhookConfigurations: knownFact([]) },
    "WEBHOOK_REGISTERED",
    "failed",
    /No MutatingWebhookConfiguration/,
  ],
  [
    "two registrations",
    { webhookConfigurations: knownFact([ownConfiguration(), ownConfiguration()]) },
    "WEBHOOK_REGISTERED",
    "warning",
    /2 webhooks/,
  ],
  [
    "a try installation beside it",
    {
      webhookConfigurations: knownFact([
        ownConfiguration(),
        {
          metadata: { name: "podrole-try" },
          webhooks: [
            {
              name: "pods.try.podrole.io",
              clientConfig: { service: { namespace: "podrole-try", name: "podrole-webhook" } },
            },
          ],
        },
      ]),
    },
    "WEBHOOK_REGISTERED",
    "warning",
    /2 webhooks call podrole: .*configuration podrole-try; expected one/,
  ],
  ["rules without pods", registered({ rules: [] }), "WEBHOOK_RULES", "failed", /CREATE of pods/],
  [
    "failurePolicy Ignore",
    registered({ failurePolicy: "Ignore" }),
    "FAILURE_POLICY",
    "warning",
    /Ignore; expected Fail/,
  ],
  [
    "a webhook that serves every caller",
    withoutWebhookSetting("PODROLE_API_SERVER_CA"),
    "WEBHOOK_CALLERS",
    "warning",
    /cannot distinguish the API server/,
  ],
  ["a long timeout", registered({ timeoutSeconds: 30 }), "WEBHOOK_TIMEOUT", "warning", /30; expected/],
  [
    "a selector that matches podrole itself",
    registered({ namespaceSelector: { matchLabels: { "podrole.io/inject": "enabled" } } }),
    "WEBHOOK_SELECTOR",
    "failed",
    /excluded/,
  ],
  ["no second call", registered({ reinvocationPolicy: "Never" }), "OTHER_WEBHOOKS", "warning", /expected IfNeeded/],
  ...BROKEN_GUARDS,
  [
    "a pod that was admitted",
    { admission: knownFact({ answer: "admitted", namespace: "shop" }) },
    "ADMISSION",
    "failed",
    /admitted a test pod \(a dry run, which creates nothing\)/,
  ],
  [
    "an unreachable webhook",
    { admission: knownFact({ answer: "not reached", namespace: "shop", message: "x509: unknown authority" }) },
    "ADMISSION",
    "failed",
    /x509/,
  ],
  [
    "a replica that does not respond",
    { pages: [...healthyFacts().pages, { program: "server", pod: "s-2", samples: { unknown: "HTTP 503" } }] },
    "PAGES",
    "warning",
    /HTTP 503/,
  ],
  [
    "an old watch",
    serverReports({ 'podrole_watch_age_seconds{resource="pods"}': 900 }),
    "WATCH_AGE",
    "failed",
    /watch of pods was last up to date 15 min ago/,
  ],
  [
    "a watch that never succeeded",
    serverReports({ 'podrole_watch_age_seconds{resource="pods"}': "+Inf" }),
    "WATCH_AGE",
    "failed",
    /never been up to date/,
  ],
  [
    "unreachable STS",
    serverReports({ 'podrole_sts_calls_total{code="OK"}': 0, 'podrole_sts_calls_total{code="STS_UNAVAILABLE"}': 7 }),
    "STS",
    "failed",
    /answered none of 7 calls/,
  ],
  [
    "sessions near their end",
    serverReports({ podrole_credential_nearest_expiry_seconds: 100 }),
    "NEAREST_EXPIRY",
    "warning",
    /1 min 40 s/,
  ],
  [
    "no labelled namespace",
    { namespaces: knownFact([]), pods: knownFact([]) },
    "NAMESPACES_PERMIT",
    "warning",
    /No namespace/,
  ],
  ["a label without permitted", annotated({}), "NAMESPACES_PERMIT", "failed", /permits no role/],
  [
    "an empty permitted",
    annotated({ "iam.amazonaws.com/permitted": "" }),
    "NAMESPACES_PERMIT",
    "failed",
    /permits no role/,
  ],
  [
    "an expression that cannot be read",
    annotated({ "iam.amazonaws.com/permitted": "arn:(" }),
    "EXPRESSIONS",
    "failed",
    /not an RE2 expression/,
  ],
  [
    "a second expression that cannot be read",
    annotated({ "iam.amazonaws.com/permitted": "x", "iam.amazonaws.com/allowed-roles": "{" }),
    "EXPRESSIONS",
    "failed",
    /allowed-roles/,
  ],
  [
    "a pod that was not injected",
    { pods: knownFact([barePod()]) },
    "PODS_INJECTED",
    "failed",
    /It is not injected: the pod was created before its namespace had the label/,
  ],
  [
    "a pod that would be refused",
    { pods: knownFact([barePod("payroll-admin")]) },
    "PODS_INJECTED",
    "failed",
    /ROLE_FORBIDDEN/,
  ],
  [
    "a pod on the node's network",
    { pods: knownFact([barePod("shop-orders", { hostNetwork: true })]) },
    "PODS_INJECTED",
    "warning",
    /HOST_NETWORK/,
  ],
  [
    "a pod in a namespace without label",
    {
      namespaces: knownFact([
        { metadata: { ...HEALTHY_NAMESPACE.metadata, labels: {} } },
        { metadata: { ...HEALTHY_NAMESPACE.metadata, name: "other" } },
      ]),
      pods: knownFact([barePod()]),
    },
    "PODS_INJECTED",
    "warning",
    /It names a role but is not injected: namespace shop does not have the label/,
  ],
  [
    "a sidecar that ended with a code",
    {
      pods: knownFact([
        withSidecar({
          restartCount: 3,
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { message: "STS_DENIED: Cannot assume role x -- Let the role trust the server." } },
        }),
      ]),
    },
    "SIDECARS_READY",
    "failed",
    /does not run \(CrashLoopBackOff\) and was restarted 3 times: STS_DENIED: Cannot assume role x$/,
  ],
  [
    "a sidecar whose image is not there",
    { pods: knownFact([withSidecar({ state: { waiting: { reason: "ImagePullBackOff" } } })]) },
    "SIDECARS_READY",
    "failed",
    /does not run \(ImagePullBackOff\) and was not restarted yet/,
  ],
  [
    "a LimitRange that no sidecar fits",
    { limitRanges: knownFact([rangeInShop({ type: "Container", max: { memory: "32Mi" } })]) },
    "SIZES_FIT",
    "failed",
    /"podrole-sidecar": LimitRange "sizes" allows a container at most 32Mi of memory; expected at least 48Mi/,
  ],
  [
    "a quota without room for a sidecar",
    { resourceQuotas: knownFact([quotaInShop({ "requests.cpu": "1" }, { "requests.cpu": "995m" })]) },
    "SIZES_FIT",
    "warning",
    /needs 10m of requests.cpu, and ResourceQuota "team" has 5m left/,
  ],
  [
    "a pod with a credentials file of its own",
    { pods: knownFact([podWithOwnCredentials()]) },
    "PODROLE_USED",
    "warning",
    /"app" sets AWS_SHARED_CREDENTIALS_FILE/,
  ],
  [
    "a role that is no longer permitted",
    { pods: knownFact([healthyPod("payroll-admin")]) },
    "ROLES_PERMITTED",
    "failed",
    /ROLE_FORBIDDEN/,
  ],
  [
    "a default role that is not permitted",
    {
      serviceAccounts: knownFact([
        { metadata: { name: "api", namespace: "shop", annotations: { "iam.amazonaws.com/role": "payroll-admin" } } },
      ]),
    },
    "DEFAULT_ROLES",
    "failed",
    /ROLE_FORBIDDEN/,
  ],
  [
    "a namespace's default role that is not permitted",
    annotated({ ...HEALTHY_NAMESPACE.metadata.annotations, "iam.amazonaws.com/default-role": "web" }),
    "DEFAULT_ROLES",
    "failed",
    /ROLE_FORBIDDEN/,
  ],
  ["a pod without a pin", withPinnedRoles(), "PODS_PINNED", "failed", /"shop\/orders": it has no pin/],
  [
    "an older sidecar",
    withWebhookSetting({ name: "PODROLE_SIDECAR_IMAGE", value: "sidecar:2" }),
    "SIDECAR_VERSIONS",
    "warning",
    /1 pod with/,
  ],
  [
    "a pod that can reach the node's role",
    { metadata: knownFact({ namespace: "shop", answer: "reached", detail: "HTTP 200" }) },
    "INSTANCE_METADATA",
    "failed",
    /HTTP 200/,
  ],
  [
    "a test pod without a result",
    { metadata: knownFact({ namespace: "shop", answer: "unknown", detail: "Pending, ErrImagePull" }) },
    "INSTANCE_METADATA",
    "warning",
    /no result: Pending, ErrImagePull/,
  ],
];
