// The two kinds of DNS names that Kubernetes uses for objects (RFC 1123, as Kubernetes reads it).
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/)

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** Reports whether the text is an RFC 1123 label of at most 63 characters: names of namespaces and containers. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && DNS_LABEL.test(text);
}

/**
 * Reports whether the text is an RFC 1123 subdomain as Kubernetes defines it, up to 253 characters in labels of any
 * length: names of pods and ServiceAccounts.
 */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split(".").every((part) => DNS_LABEL.test(part));
}
