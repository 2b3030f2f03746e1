// Pods that do not use the cluster's DNS, and so cannot resolve a name of podrole's server inside the cluster.
// (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy)
import { isIP } from "#platform";
import type { Pod } from "../kubernetes/objects.ts";
import { objectsAt, stringsAt } from "../runtime/json-object.ts";
import { address } from "../runtime/settings.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** host:port of the server's ports, as pods reach them. */
interface ResolvedAddresses {
  readonly serverAddress: string;
  readonly identityAddress: string;
}

/** Warns about a dnsPolicy with which podrole-sidecar cannot resolve the server, so that the pod never starts. */
export function dnsWarnings(pod: Pod, { serverAddress, identityAddress }: ResolvedAddresses): readonly Warning[] {
  const { dnsPolicy } = pod.spec;
  if (dnsPolicy !== "Default" && dnsPolicy !== "None") return [];
  const hosts = new Set([serverAddress, identityAddress].map((text) => address.parse(text)?.host ?? ""));
  const unresolved = [...hosts].find((host) => !isResolved(host, pod));
  return unresolved === undefined ? [] : [warningOf("SERVER_UNRESOLVED", dnsPolicy, unresolved)];
}

/** Names outside of the cluster are the node's DNS server's, or the pod's own. */
function isResolved(host: string, { spec }: Pod): boolean {
  if (isIP(host) !== 0 || !/\.svc(\.|$)/.test(host)) return true;
  if (objectsAt(spec, "hostAliases").some((alias) => stringsAt(alias, "hostnames").includes(host))) return true;
  if (spec["dnsPolicy"] === "Default") return false;
  // The pod's own name servers may be the cluster's. Then a short name needs the cluster's domain as well.
  return /\.svc\./.test(host) || stringsAt(spec["dnsConfig"], "searches").some((domain) => !domain.includes("svc."));
}
