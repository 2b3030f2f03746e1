// Expected connections around podrole as data: each allowed one has a denied one beside it. The rows apply to the
// kustomize base and to the chart.
import type { Party, PolicyConnection } from "./network-policy.ts";

const inPodrole = (name: string, ip: string): Party => ({
  ip,
  namespace: { name: "podrole", labels: { "kubernetes.io/metadata.name": "podrole" } },
  labels: { "app.kubernetes.io/name": name },
});
const inShop = (ip: string, labels: Party["labels"] = {}): Party => ({ ip, namespace: { name: "shop" }, labels });

export const PARTIES = {
  server: inPodrole("podrole-server", "10.1.0.1"),
  webhook: inPodrole("podrole-webhook", "10.1.0.2"),
  neighbour: inPodrole("something-else", "10.1.0.3"),
  injected: inShop("10.1.1.1", { app: "orders", "podrole.io/injected": "true" }),
  plain: inShop("10.1.1.2", { app: "orders" }),
  // Name and value of the injection label must match: a pod with another value has no sidecar.
  mislabelled: inShop("10.1.1.3", { "podrole.io/injected": "false" }),
  prometheus: { ip: "10.1.2.1", namespace: { name: "monitoring", labels: { "podrole.io/monitoring": "enabled" } } },
  dns: { ip: "10.1.3.1", namespace: { name: "kube-system" }, labels: { "k8s-app": "kube-dns" } },
  apiServer: { ip: "192.0.2.10" },
  stranger: { ip: "198.51.100.7" },
  sts: { ip: "203.0.113.5" },
  metadata: { ip: "169.254.169.254" },
  metadata6: { ip: "fd00:ec2::254" },
  podIdentity: { ip: "169.254.170.23" },
  podIdentity6: { ip: "fd00:ec2::23" },
  linkLocal: { ip: "169.254.20.10" },
} as const satisfies Readonly<Record<string, Party>>;

export type PartyName = keyof typeof PARTIES;

export interface ConnectionRow {
  readonly from: PartyName;
  readonly to: PartyName;
  readonly ports: readonly number[];
  readonly protocol?: "TCP" | "UDP";
  readonly allowed: boolean;
}

const yes = (from: PartyName, to: PartyName, ...ports: number[]): ConnectionRow => ({ from, to, ports, allowed: true });
const no = (from: PartyName, to: PartyName, ...ports: number[]): ConnectionRow => ({ from, to, ports, allowed: false });
const dns = (from: PartyName): ConnectionRow => ({ from, to: "dns", ports: [53], protocol: "UDP", allowed: true });

/** Rows for every variant of the manifests. */
export const ALWAYS: readonly ConnectionRow[] = [
  // The server's ports: only sidecars and the webhook.
  yes("injected", "server", 8443, 8444),
  no("injected", "server", 8080),
  no("plain", "server", 8443, 8444, 8080),
  no("mislabelled", "server", 8443, 8444),
  no("neighbour", "server", 8443, 8444, 8080),
  no("prometheus", "server", 8443, 8444),
  no("stranger", "server", 8443, 8444, 8080),
  yes("webhook", "server", 8443),
  no("webhook", "server", 8444, 8080),
  no("server", "webhook", 9443, 8080),
  // Metrics.
  yes("prometheus", "server", 8080),
  yes("prometheus", "webhook", 8080),
  no("plain", "webhook", 8080),
  no("injected", "webhook", 8080),
  no("stranger", "webhook", 8080),
  // The API server calls the webhook; both programs call the API server.
  yes("apiServer", "webhook", 9443),
  no("apiServer", "server", 8443, 8444),
  yes("server", "apiServer", 443, 6443),
  yes("webhook", "apiServer", 443, 6443),
  no("webhook", "apiServer", 80, 10250),
  // AWS: only the server.
  yes("server", "sts", 443),
  no("server", "sts", 80),
  no("webhook", "metadata", 80),
  no("webhook", "metadata6", 80),
  no("webhook", "podIdentity", 80),
  no("webhook", "podIdentity6", 80),
  no("server", "linkLocal", 80),
  dns("server"),
  dns("webhook"),
  no("server", "injected", 9763, 9764),
  no("webhook", "injected", 9763, 9764),
];

/** Denied if the server does not get its AWS identity from instance metadata or EKS Pod Identity. */
export const INSTANCE_METADATA = (allowed: boolean): readonly ConnectionRow[] =>
  (["metadata", "metadata6", "podIdentity", "podIdentity6"] as const).map((to) =>
    allowed ? yes("server", to, 80) : no("server", to, 80),
  );

/** Without the API server's addresses (PARTIES.apiServer), a policy can match only its port. */
export const API_SERVER_UNKNOWN: readonly ConnectionRow[] = [
  yes("stranger", "webhook", 9443),
  yes("plain", "webhook", 9443),
  yes("webhook", "sts", 443),
  no("apiServer", "server", 8080),
  no("apiServer", "webhook", 8080),
];

/** With the API server's addresses. */
export const API_SERVER_KNOWN: readonly ConnectionRow[] = [
  no("stranger", "webhook", 9443),
  no("plain", "webhook", 9443),
  no("webhook", "sts", 443),
  yes("apiServer", "server", 8080),
  yes("apiServer", "webhook", 8080),
];

/** Rows for manifests/examples/block-node-role.yaml together with podrole's own policies. */
export const BLOCKED: readonly ConnectionRow[] = [
  no("plain", "metadata", 80),
  no("injected", "metadata", 80),
  no("injected", "metadata6", 80),
  no("injected", "podIdentity", 80),
  no("injected", "podIdentity6", 80),
  yes("injected", "sts", 443),
  yes("injected", "server", 8443, 8444),
  yes("injected", "linkLocal", 53),
  yes("plain", "apiServer", 443),
  dns("injected"),
];

/** Rows for manifests/examples/allow-podrole.yaml in a namespace that denies egress. */
export const DENIED_BUT_PODROLE: readonly ConnectionRow[] = [
  yes("injected", "server", 8443, 8444),
  dns("injected"),
  { from: "injected", to: "linkLocal", ports: [53], protocol: "UDP", allowed: true },
  no("injected", "server", 8080, 8445),
  no("injected", "webhook", 8443, 9443),
  no("injected", "sts", 443),
  no("injected", "metadata", 80),
  no("plain", "server", 8443, 8444),
  no("plain", "stranger", 443),
];

export function connectionsOf({ from, to, ports, protocol = "TCP" }: ConnectionRow): readonly PolicyConnection[] {
  return ports.map((port) => ({ from: PARTIES[from], to: PARTIES[to], port, protocol }));
}

/** Returns "plain → server:8443 is allowed" for each connection for which `allows` and the rows disagree. */
export function findDisagreements(
  rows: readonly ConnectionRow[],
  allows: (connection: PolicyConnection) => boolean,
): readonly string[] {
  return rows.flatMap((row) =>
    connectionsOf(row)
      .filter((connection) => allows(connection) !== row.allowed)
      .map(({ port }) => `${row.from} → ${row.to}:${port} is ${row.allowed ? "denied" : "allowed"}`),
  );
}
