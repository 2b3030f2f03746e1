// The facts of a healthy cluster, and parts to build other clusters from.
import type { KubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { plan } from "../../../src/injection/plan.ts";
import type { ConfigMap, Pod } from "../../../src/kubernetes/objects.ts";
import { CLUSTER_CHECKS } from "../../../src/operations/check/check.ts";
import { parseSamples } from "../../../src/operations/check/collect/metrics-pages.ts";
import type { Facts, WebhookConfigurationObject } from "../../../src/operations/check/facts.ts";
import { type Finding, findingsOf } from "../../../src/operations/check/finding.ts";
import { forbiddenRights, installersRights, neededRights } from "../../../src/operations/check/rights.ts";
import type { AdmissionPolicies } from "../../../src/operations/check/tables/annotation-guard.ts";
import { type Deployment, readInstalled } from "../../../src/operations/installed.ts";
import type { Known } from "../../../src/operations/known.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { DAY_MS } from "../../../src/runtime/clock.ts";
import { readManifest } from "../../files.ts";
import { podIn } from "../../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";

export const CHECKED_AT = Date.parse("2026-06-01T12:00:00Z");
export const CHECKED_VERSION = "0.1.0";
const NAMES = {
  namespace: "podrole",
  caSecret: "podrole-ca",
  trustConfigMap: "podrole-trust",
  refusalsConfigMap: "podrole-refusals",
  webhookConfiguration: "podrole",
};

const madeAt = (at: number, commonName = "podrole CA") =>
  createAuthority({ commonName, now: at, lifetimeMs: 365 * DAY_MS });
export const CA = madeAt(CHECKED_AT - 10 * DAY_MS).certificatePem;
export const OTHER_CA = madeAt(CHECKED_AT - 10 * DAY_MS, "another CA").certificatePem;
export const EXPIRED_CA = madeAt(CHECKED_AT - 400 * DAY_MS).certificatePem;
export const OLD_CA = madeAt(CHECKED_AT - 330 * DAY_MS).certificatePem;

export const knownFact = <T>(value: T): Known<T> => ({ value });
export const base64 = (text: string) => Buffer.from(text).toString("base64");

export function programDeployment(program: "server" | "webhook", change: object = {}): Deployment {
  const labels = { "app.kubernetes.io/name": `podrole-${program}` };
  const image = `registry.example/podrole-server:${CHECKED_VERSION}`;
  const container = { name: program, image, args: [program], envFrom: [{ configMapRef: { name: "podrole-common" } }] };
  const webhooks = [
    { name: "PODROLE_SIDECAR_IMAGE", value: PLAN_SETTINGS.image },
    { name: "PODROLE_API_SERVER_CA", value: "/etc/podrole/api-server/ca.crt" },
  ];
  const own = program === "webhook" ? webhooks : [];
  return {
    metadata: { name: `podrole-${program}`, namespace: "podrole" },
    spec: {
      replicas: 2,
      template: {
        metadata: { labels },
        spec: { serviceAccountName: `podrole-${program}`, containers: [{ ...container, env: own }] },
      },
      ...change,
    },
    status: { readyReplicas: 2, updatedReplicas: 2 },
  };
}

export const COMMON: ConfigMap = {
  metadata: { name: "podrole-common" },
  data: { PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/", PODROLE_REGION: "eu-central-1" },
};

function ownPod(program: string, number: number): Pod {
  return {
    metadata: {
      name: `podrole-${program}-${number}`,
      namespace: "podrole",
      labels: { "app.kubernetes.io/name": `podrole-${program}` },
    },
    spec: { nodeName: `node-${number}`, containers: [] },
    status: { phase: "Running", containerStatuses: [{ restartCount: 1 }] },
  };
}

export function ownConfiguration(change: object = {}): WebhookConfigurationObject {
  return {
    metadata: { name: "podrole" },
    webhooks: [
      {
        name: "pods.podrole.io",
        clientConfig: { service: { namespace: "podrole", name: "podrole-webhook" }, caBundle: base64(CA) },
        rules: [{ apiGroups: [""], operations: ["CREATE"], resources: ["pods"] }],
        namespaceSelector: {
          matchLabels: { "podrole.io/inject": "enabled" },
          matchExpressions: [
            { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["podrole", "kube-system"] },
          ],
        },
        failurePolicy: "Fail",
        reinvocationPolicy: "IfNeeded",
        timeoutSeconds: 5,
        ...change,
      },
    ],
  };
}

export function programMetrics(program: "server" | "webhook", change: Readonly<Record<string, number | string>> = {}) {
  const values: Record<string, number | string> = {
    podrole_serving_certificate_expiry_seconds: 2400,
    [`podrole_build_info{version="${CHECKED_VERSION}",node="v26"}`]: 1,
    'podrole_watch_age_seconds{resource="pods"}': 20,
    ...(program === "server" && {
      podrole_credential_nearest_expiry_seconds: 1900,
      'podrole_sts_calls_total{code="OK"}': 12,
    }),
    ...change,
  };
  return parseSamples(
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join("\n"),
  );
}

export const HEALTHY_NAMESPACE = {
  metadata: {
    name: "shop",
    labels: { "podrole.io/inject": "enabled" },
    annotations: { "iam.amazonaws.com/permitted": "arn:aws:iam::123456789012:role/shop-.*" },
  },
};

/** A pod as its author wrote it: not injected. */
export function barePod(role = "shop-orders", change: Partial<Pod["spec"]> = {}, annotations: object = {}): Pod {
  return {
    metadata: { name: "orders", namespace: "shop", annotations: { "iam.amazonaws.com/role": role, ...annotations } },
    spec: { serviceAccountName: "default", containers: [{ name: "app", image: "app:1" }], ...change },
    status: { phase: "Running" },
  };
}

/** The same pod as the webhook injects it in a namespace that permits the role. */
export function healthyPod(role = "shop-orders"): Pod {
  const namespace = {
    name: "shop",
    labels: HEALTHY_NAMESPACE.metadata.labels,
    annotations: { "iam.amazonaws.com/permitted": ".*" },
  };
  const planned = plan({ pod: barePod(role), namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
  return { ...podIn(planned), status: { phase: "Running" } };
}

/** podrole's policies as the manifests have them. */
export function admissionPolicies(): AdmissionPolicies {
  const [policy, binding] = readManifest("base/pod-status-policy.yaml");
  return { policies: [policy as never], bindings: [binding as never] };
}

export function healthyFacts(change: Partial<Facts> = {}): Facts {
  const deployments = [programDeployment("server"), programDeployment("webhook")];
  const expected = (right: { readonly isExpected: boolean }) => knownFact(right.isExpected);
  return {
    now: CHECKED_AT,
    cliVersion: CHECKED_VERSION,
    namespace: "podrole",
    api: knownFact({ major: 1, minor: 37 }),
    servesPodCertificates: knownFact(true),
    kubelets: knownFact(
      ["node-1", "node-2", "node-3"].map((node) => ({ node, version: "v1.37.2", isSchedulable: true })),
    ),
    ownRights: installersRights("podrole").map((right) => ({ right, allowed: expected(right) })),
    programRights: [...neededRights(NAMES), ...forbiddenRights(NAMES)].map((right) => ({
      right,
      allowed: expected(right),
    })),
    ownNamespace: knownFact({ metadata: { name: "podrole" } }),
    deployments: knownFact(deployments),
    installed: knownFact(readInstalled(deployments, [COMMON])),
    ownPods: knownFact([ownPod("server", 1), ownPod("server", 2), ownPod("webhook", 1), ownPod("webhook", 2)]),
    ownReplicaSets: knownFact([]),
    budgets: knownFact(
      ["server", "webhook"].map((program) => ({
        metadata: { name: program },
        spec: { selector: { matchLabels: { "app.kubernetes.io/name": `podrole-${program}` } } },
      })),
    ),
    trustBundle: knownFact(CA),
    publishedPodCertificates: knownFact(undefined),
    slots: knownFact([{ slot: "current", certificatePem: CA, since: CHECKED_AT - 10 * DAY_MS }]),
    webhookConfigurations: knownFact([ownConfiguration()]),
    admissionPolicies: knownFact(admissionPolicies()),
    admission: knownFact({ answer: "refused by podrole", namespace: "shop" }),
    pages: [
      { program: "server", pod: "podrole-server-1", samples: knownFact(programMetrics("server")) },
      { program: "webhook", pod: "podrole-webhook-1", samples: knownFact(programMetrics("webhook")) },
    ],
    namespaces: knownFact([HEALTHY_NAMESPACE]),
    serviceAccounts: knownFact([{ metadata: { name: "default", namespace: "shop" } }]),
    limitRanges: knownFact([]),
    resourceQuotas: knownFact([]),
    pods: knownFact([healthyPod()]),
    blocked: knownFact([]),
    isOneNamespace: false,
    held: knownFact({ state: { replicas: [], pods: [] }, silent: [], isComplete: true, ignored: 0 }),
    metadata: knownFact({ namespace: "shop", answer: "silent", detail: "TimeoutError" }),
    ...change,
  };
}

export function judgeFacts(facts: Facts, phase: "pre" | "installed" = "installed"): readonly Finding[] {
  return findingsOf(CLUSTER_CHECKS, facts, phase);
}

/** Failures and warnings. */
export function problemsOf(facts: Facts, phase?: "pre" | "installed"): readonly Finding[] {
  return judgeFacts(facts, phase).filter(({ state }) => state === "failed" || state === "warning");
}

/** Creates podrole's objects, and a namespace whose pods it injects, in the store of an emulated API server. */
export function createInstalledObjects(store: KubernetesEmulator["store"]): void {
  store.create("namespaces", { metadata: { name: "podrole" } });
  store.create("namespaces", structuredClone(HEALTHY_NAMESPACE));
  store.create("serviceaccounts", { metadata: { name: "default", namespace: "shop" } });
  for (const program of ["server", "webhook"] as const) store.create("deployments", { ...programDeployment(program) });
  store.create("configmaps", { ...COMMON, metadata: { ...COMMON.metadata, namespace: "podrole" } });
  store.create("mutatingwebhookconfigurations", { ...ownConfiguration() });
}
