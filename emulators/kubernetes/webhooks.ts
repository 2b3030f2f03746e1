// Which webhooks receive a request and in which order, by the MutatingWebhookConfigurations. matchConditions are stored
// but not evaluated (they are CEL): a webhook here receives more requests than from a real API server.
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/)

import { type LabelSelector, matchesLabels } from "../../src/kubernetes/selectors.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";

/** A webhook of a configuration (admissionregistration.k8s.io/v1). */
export interface Webhook {
  readonly name: string;
  readonly clientConfig: {
    readonly url?: string;
    readonly service?: {
      readonly namespace: string;
      readonly name: string;
      readonly path?: string;
      readonly port?: number;
    };
    /** PEM in base64. */
    readonly caBundle?: string;
  };
  readonly rules?: readonly {
    readonly operations?: readonly string[];
    readonly apiGroups?: readonly string[];
    readonly apiVersions?: readonly string[];
    readonly resources?: readonly string[];
    readonly scope?: string;
  }[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly failurePolicy?: "Fail" | "Ignore";
  readonly reinvocationPolicy?: "Never" | "IfNeeded";
  readonly sideEffects?: string;
  readonly timeoutSeconds?: number;
  readonly admissionReviewVersions?: readonly string[];
}

/** A webhook with the name of its configuration. */
export interface ConfiguredWebhook extends Webhook {
  readonly configuration: string;
}

/**
 * Returns the webhooks for the creation of `resource`, sorted by the name of their configuration, then in its order.
 */
export function webhooksFor(store: Store, resource: ResourceType): readonly ConfiguredWebhook[] {
  // Webhooks never receive webhook configurations, which could lock out their own repair, and never reviews.
  if (resource.isVirtual || resource.group === "admissionregistration.k8s.io") return [];
  return store
    .list("mutatingwebhookconfigurations")
    .flatMap(({ metadata, webhooks }) =>
      Array.from((webhooks ?? []) as Webhook[], (webhook) => ({ ...webhook, configuration: metadata.name ?? "" })),
    )
    .filter(({ rules = [] }) => rules.some((rule) => coversCreation(rule, resource)));
}

function coversCreation(rule: NonNullable<Webhook["rules"]>[number], resource: ResourceType): boolean {
  const { operations = [], apiGroups = ["*"], apiVersions = ["*"], resources = [], scope = "*" } = rule;
  const has = (list: readonly string[], item: string) => list.includes("*") || list.includes(item);
  return (
    has(operations, "CREATE") &&
    has(apiGroups, resource.group) &&
    has(apiVersions, resource.version) &&
    (has(resources, resource.plural) || resources.includes("*/*")) &&
    (scope === "*" || (scope === "Namespaced") === resource.isNamespaced)
  );
}

/** Evaluated for each call: an earlier webhook may have changed the labels. */
export function isSelected(store: Store, webhook: Webhook, resource: ResourceType, object: KubeObject): boolean {
  const { labels, namespace, name = "" } = object.metadata;
  const namespaceObject =
    resource.plural === "namespaces" ? object : store.find("namespaces", undefined, namespace ?? name);
  const inNamespace =
    (!resource.isNamespaced && resource.plural !== "namespaces") ||
    matchesLabels(webhook.namespaceSelector, namespaceObject?.metadata.labels);
  return inNamespace && matchesLabels(webhook.objectSelector, labels);
}
