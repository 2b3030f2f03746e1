// A cluster of 200 pods in 12 namespaces as `kubectl get namespaces,serviceaccounts,deployments,…,pods -A -o json` shows
// it, made by a fixed rule: ordinary workloads and every trap that a migration meets. The traps stand beside their rows.
import type { KubernetesObject } from "../../../src/operations/manifests/objects.ts";

export const BASE = "arn:aws:iam::123456789012:role/";
const ROLE = "iam.amazonaws.com/role";

interface Row {
  readonly namespace: string;
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" | "Pod";
  readonly name: string;
  readonly pods: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Annotations of the live pods where somebody edited them. */
  readonly live?: Readonly<Record<string, string>>;
  readonly updateStrategy?: string;
  readonly phase?: string;
}

const role = (text: string) => ({ [ROLE]: text });
const env = (variables: Readonly<Record<string, string>>) => ({
  env: Object.entries(variables).map(([name, value]) => ({ name, value })),
});

export const NAMESPACES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { "iam.amazonaws.com/permitted": `${BASE}shop-.*` },
  payments: { "iam.amazonaws.com/permitted": ".*:role/payments-.*" },
  // Ungrouped: kiam lets through what begins with the first or ends with the second.
  search: { "iam.amazonaws.com/permitted": `${BASE}search-a|${BASE}search-b` },
  // As kiam 3 had it, on the name alone: kiam 4 refuses all of it.
  data: { "iam.amazonaws.com/permitted": "data-.*" },
  logging: { "iam.amazonaws.com/permitted": ".*" },
  monitoring: {},
  ci: { "iam.amazonaws.com/permitted": ".*:role/ci-.*" },
  legacy: { "iam.amazonaws.com/permitted": ".*" },
  platform: { "iam.amazonaws.com/permitted": ".*" },
  analytics: { "iam.amazonaws.com/permitted": `${BASE}analytics-.*` },
  web: {},
  "kube-system": { "iam.amazonaws.com/permitted": ".*" },
};

const ROWS: readonly Row[] = [
  { namespace: "shop", kind: "Deployment", name: "orders", pods: 8, annotations: role("shop-orders") },
  { namespace: "shop", kind: "Deployment", name: "cart", pods: 10, annotations: role("/shop-cart") },
  { namespace: "shop", kind: "StatefulSet", name: "queue", pods: 3, annotations: role(`${BASE}shop-queue`) },
  { namespace: "shop", kind: "Deployment", name: "front", pods: 6 },
  {
    namespace: "payments",
    kind: "Deployment",
    name: "api",
    pods: 6,
    annotations: { ...role("payments-api"), "iam.amazonaws.com/external-id": "4711-payments" },
  },
  { namespace: "payments", kind: "Deployment", name: "ledger", pods: 4, annotations: role("payments-ledger") },
  {
    namespace: "payments",
    kind: "Deployment",
    name: "reporting",
    pods: 2,
    annotations: { ...role("payments-reporting"), "iam.amazonaws.com/session-name": "reporting" },
  },
  { namespace: "search", kind: "Deployment", name: "indexer", pods: 5, annotations: role("search-a") },
  { namespace: "search", kind: "Deployment", name: "query", pods: 6, annotations: role("search-b") },
  // Permitted by kiam's reading of the expression alone.
  { namespace: "search", kind: "Deployment", name: "admin", pods: 2, annotations: role("search-a-admin") },
  { namespace: "data", kind: "Deployment", name: "etl", pods: 3, annotations: role("data-etl") },
  {
    namespace: "data",
    kind: "CronJob",
    name: "nightly",
    pods: 1,
    annotations: role("data-nightly"),
    spec: { restartPolicy: "Never" },
  },
  {
    namespace: "logging",
    kind: "DaemonSet",
    name: "fluent-bit",
    pods: 9,
    annotations: role("log-writer"),
    container: { image: "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.28.4" },
    updateStrategy: "OnDelete",
  },
  {
    namespace: "logging",
    kind: "DaemonSet",
    name: "node-agent",
    pods: 9,
    annotations: role("node-agent"),
    spec: { hostNetwork: true },
  },
  { namespace: "monitoring", kind: "Deployment", name: "prometheus", pods: 2 },
  { namespace: "monitoring", kind: "Deployment", name: "cloudwatch-exporter", pods: 2, annotations: role("cw-reader") },
  // Bare pods that a tool makes, each by itself.
  {
    namespace: "ci",
    kind: "Pod",
    name: "runner-old",
    pods: 3,
    annotations: role("ci-runner"),
    container: { image: "amazon/aws-cli:2.9.1" },
    spec: { restartPolicy: "Never" },
  },
  {
    namespace: "ci",
    kind: "Pod",
    name: "runner",
    pods: 7,
    annotations: role("ci-runner"),
    container: { image: "amazon/aws-cli:2.17.0" },
    spec: { restartPolicy: "Never" },
  },
  {
    namespace: "ci",
    kind: "Pod",
    name: "done",
    pods: 4,
    annotations: role("ci-runner"),
    spec: { restartPolicy: "Never" },
    phase: "Succeeded",
  },
  { namespace: "legacy", kind: "Pod", name: "broken", pods: 1, annotations: role("arn:foo") },
  { namespace: "legacy", kind: "Deployment", name: "emptied", pods: 2, annotations: role("") },
  {
    namespace: "legacy",
    kind: "Deployment",
    name: "dotnet",
    pods: 4,
    annotations: role("dotnet"),
    spec: { nodeSelector: { "kubernetes.io/os": "windows" } },
  },
  {
    namespace: "legacy",
    kind: "Deployment",
    name: "keys",
    pods: 3,
    annotations: role("keys"),
    container: env({ AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "example" }),
  },
  {
    namespace: "legacy",
    kind: "Deployment",
    name: "half-moved",
    pods: 3,
    annotations: role("half-moved"),
    container: env({ AWS_ROLE_ARN: `${BASE}half-moved`, AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/secrets/token" }),
  },
  {
    namespace: "platform",
    kind: "Deployment",
    name: "external-dns",
    pods: 1,
    annotations: role("arn:aws:iam::999999999999:role/dns"),
  },
  {
    namespace: "platform",
    kind: "Deployment",
    name: "autoscaler",
    pods: 2,
    annotations: role("autoscaler"),
    container: { command: ["sh", "-c", "curl http://169.254.169.254/latest/meta-data/placement/region; run"] },
  },
  {
    namespace: "platform",
    kind: "Deployment",
    name: "backup",
    pods: 2,
    annotations: role("backup"),
    live: role("backup-hotfix"),
  },
  // Its ServiceAccount names a role, which kiam never reads.
  {
    namespace: "analytics",
    kind: "Deployment",
    name: "notebook",
    pods: 6,
    spec: { serviceAccountName: "notebook" },
  },
  { namespace: "analytics", kind: "Deployment", name: "loader", pods: 4, annotations: role("analytics-loader") },
  { namespace: "web", kind: "Deployment", name: "front", pods: 38 },
  { namespace: "web", kind: "Deployment", name: "static", pods: 23 },
  { namespace: "kube-system", kind: "Deployment", name: "load-balancer", pods: 2, annotations: role("alb") },
  { namespace: "kube-system", kind: "DaemonSet", name: "kube-proxy", pods: 9, spec: { hostNetwork: true } },
];

/** The system in use: its own pods complete the 200. */
export const KIAM: readonly Row[] = [
  {
    namespace: "kube-system",
    kind: "DaemonSet",
    name: "kiam-agent",
    pods: 9,
    container: {
      image: "quay.io/uswitch/kiam:v4.2",
      command: ["/kiam", "agent"],
      args: ["--iptables", "--host-interface=cali+", "--json-log", "--gateway-timeout-creation=1s"],
    },
    spec: { hostNetwork: true },
  },
  {
    namespace: "kube-system",
    kind: "DaemonSet",
    name: "kiam-server",
    pods: 3,
    container: {
      image: "quay.io/uswitch/kiam:v4.2",
      command: ["/kiam", "server"],
      args: ["--json-log", "--level=info", `--role-base-arn=${BASE}`, "--session-duration=15m", "--sync=1m"],
    },
  },
];

export const KUBE2IAM: readonly Row[] = [
  {
    namespace: "kube-system",
    kind: "DaemonSet",
    name: "kube2iam",
    pods: 12,
    container: {
      image: "jtblin/kube2iam:0.11.1",
      args: [`--base-role-arn=${BASE}`, "--iptables=true", "--host-ip=$(HOST_IP)", "--default-role=web-default"],
    },
    spec: { hostNetwork: true },
  },
];

export function clusterExport(system: readonly Row[]): { kind: "List"; items: readonly KubernetesObject[] } {
  const namespaces = Object.entries(NAMESPACES).map(([name, annotations]) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, annotations: { ...annotations } },
  }));
  const account = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace: "analytics", name: "notebook", annotations: role("analytics-notebook") },
  };
  return { kind: "List", items: [...namespaces, account, ...[...ROWS, ...system].flatMap(objectsOf)] };
}

function objectsOf(row: Row): KubernetesObject[] {
  const { namespace, kind, name } = row;
  if (kind === "Pod") return Array.from({ length: row.pods }, (_, index) => podOf(row, `${name}-${index}`, undefined));
  const template = { metadata: { annotations: row.annotations ?? {}, labels: { app: name } }, spec: specOf(row) };
  const strategy = row.updateStrategy === undefined ? {} : { updateStrategy: { type: row.updateStrategy } };
  const spec =
    kind === "CronJob"
      ? { schedule: "0 3 * * *", jobTemplate: { spec: { template } } }
      : { replicas: row.pods, template, ...strategy };
  // A CronJob is caught between two runs.
  const owner = kind === "Deployment" ? { kind: "ReplicaSet", name: `${name}-${hashOf(name)}` } : { kind, name };
  const pods = kind === "CronJob" ? [] : Array.from({ length: row.pods }, (_, index) => nameOf(row, index));
  return [{ kind, metadata: { namespace, name }, spec }, ...pods.map((pod) => podOf(row, pod, owner))];
}

function nameOf({ kind, name }: Row, index: number): string {
  if (kind === "StatefulSet") return `${name}-${index}`;
  const suffix = hashOf(`${name}${index}`).slice(0, 5);
  return kind === "Deployment" ? `${name}-${hashOf(name)}-${suffix}` : `${name}-${suffix}`;
}

function podOf(row: Row, name: string, owner: { kind: string; name: string } | undefined): KubernetesObject {
  const labels = { app: row.name, ...(row.kind === "Deployment" && { "pod-template-hash": hashOf(row.name) }) };
  const references = owner ? { ownerReferences: [{ ...owner, controller: true }] } : {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: row.namespace, name, labels, annotations: row.live ?? row.annotations ?? {}, ...references },
    spec: specOf(row),
    status: {
      phase: row.phase ?? "Running",
      podIP: `10.1.${name.length}.${Number.parseInt(hashOf(name).slice(0, 2), 36) % 250}`,
    },
  };
}

function specOf({ name, container = {}, spec = {} }: Row) {
  return { containers: [{ name: "app", image: `registry.example/${name}:1`, ...container }], ...spec };
}

/** Ten letters and digits that a name always gives. */
function hashOf(text: string): string {
  let hash = 5381;
  for (const character of text) hash = (hash * 33 + character.charCodeAt(0)) % 4_294_967_291;
  // Backwards: names that differ in their last letter must differ in the first of these.
  return Array.from(hash.toString(36).padStart(10, "0")).toReversed().join("");
}
