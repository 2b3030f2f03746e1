// Evaluates NetworkPolicies as https://kubernetes.io/docs/concepts/services-networking/network-policies/ defines them:
// policies are additive; a pod that no policy selects for a direction is not isolated in it; a connection must be
// allowed at both ends. Supports only what the manifests use, so no named ports.
import { BlockList, isIPv6 } from "node:net";

export type PodLabels = Readonly<Record<string, string>>;

/** An endpoint on the network. Without `namespace` it is not a pod: a node, the API server, an internet address. */
export interface Party {
  readonly ip: string;
  readonly namespace?: { readonly name: string; readonly labels?: PodLabels };
  readonly labels?: PodLabels;
}

export interface PolicyConnection {
  readonly from: Party;
  readonly to: Party;
  readonly port: number;
  readonly protocol?: "TCP" | "UDP";
}

interface Selector {
  readonly matchLabels?: PodLabels;
}

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: Selector;
  readonly podSelector?: Selector;
}

interface Port {
  readonly port: number;
  readonly protocol?: string;
}

interface Rule {
  readonly ports?: readonly Port[];
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
}

export interface NetworkPolicy {
  readonly kind: "NetworkPolicy";
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly ("Ingress" | "Egress")[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

export function isAllowed(policies: readonly NetworkPolicy[], connection: PolicyConnection): boolean {
  return passes(policies, "Egress", connection) && passes(policies, "Ingress", connection);
}

function passes(
  policies: readonly NetworkPolicy[],
  direction: "Ingress" | "Egress",
  connection: PolicyConnection,
): boolean {
  const [own, other] = direction === "Egress" ? [connection.from, connection.to] : [connection.to, connection.from];
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === own.namespace?.name &&
      spec.policyTypes.includes(direction) &&
      selects(spec.podSelector, own.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ metadata, spec }) =>
    (direction === "Egress" ? spec.egress : spec.ingress)?.some((rule) => {
      const peers = direction === "Egress" ? rule.to : rule.from;
      return (
        hasPort(rule.ports, connection) && (peers?.some((peer) => isPeer(peer, other, metadata.namespace)) ?? true)
      );
    }),
  );
}

function hasPort(ports: readonly Port[] | undefined, { port, protocol = "TCP" }: PolicyConnection): boolean {
  return ports?.some((one) => one.port === port && (one.protocol ?? "TCP") === protocol) ?? true;
}

function isPeer({ ipBlock, namespaceSelector, podSelector }: Peer, { ip, namespace, labels }: Party, own: string) {
  if (ipBlock) return contains(ipBlock.cidr, ip) && !ipBlock.except?.some((cidr) => contains(cidr, ip));
  if (namespace === undefined) return false;
  const inNamespace = namespaceSelector
    ? selects(namespaceSelector, { "kubernetes.io/metadata.name": namespace.name, ...namespace.labels })
    : namespace.name === own;
  return inNamespace && (podSelector === undefined || selects(podSelector, labels));
}

function selects({ matchLabels = {}, ...rest }: Selector, labels: PodLabels = {}): boolean {
  if (Object.keys(rest).length > 0) throw new RangeError(`cannot evaluate ${Object.keys(rest).join(", ")}`);
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

function contains(cidr: string, ip: string): boolean {
  const [network = "", bits] = cidr.split("/");
  if (isIPv6(network) !== isIPv6(ip)) return false;
  const family = isIPv6(ip) ? "ipv6" : "ipv4";
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family);
  return block.check(ip, family);
}
