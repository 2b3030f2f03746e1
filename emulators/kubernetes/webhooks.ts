// Which webhooks a request goes to, in which order, as MutatingWebhookConfigurations say. matchConditions are stored but
// not evaluated (they are CEL): a webhook here sees more requests than a real API server would send it.
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/)
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";
import { type LabelSelector, matchesLabels } from "../../src/kubernetes/selectors.ts";
import type { Store } from "./store.ts";

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
    /** base64 of PEM. */
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

export interface RegisteredWebhook extends Webhook {
  readonly configuration: string;
}

/** All webhooks for the creation of `resource`, sorted by the name of their configuration, then as they stand there. */
export function webhooksFor(store: Store, resource: ResourceType): readonly RegisteredWebhook[] {
  // A configuration that could lock itself out is never sent to a webhook, nor is a question about tokens.
  if (resource.virtual || resource.group === "admissionregistration.k8s.io") return [];
  return store
    .list("mutatingwebhookconfigurations")
    .flatMap(({ metadata, webhooks }) =>
      Array.from((webhooks ?? []) as Webhook[], (webhook) => ({ ...webhook, configuration: metadata.name ?? "" })),
    )
    .filter(({ rules = [] }) => rules.some((rule) => covers(rule, resource)));
}

function covers(rule: NonNullable<Webhook["rules"]>[number], resource: ResourceType): boolean {
  const { operations = [], apiGroups = ["*"], apiVersions = ["*"], resources = [], scope = "*" } = rule;
  const has = (list: readonly string[], item: string) => list.includes("*") || list.includes(item);
  return (
    has(operations, "CREATE") &&
    has(apiGroups, resource.group) &&
    has(apiVersions, resource.version) &&
    (has(resources, resource.plural) || resources.includes("*/*")) &&
    (scope === "*" || (scope === "Namespaced") === resource.namespaced)
  );
}

/** Selectors are looked at for each call: a webhook before may have changed the labels. */
export function isSelected(store: Store, webhook: Webhook, resource: ResourceType, object: KubeObject): boolean {
  const { labels, namespace, name = "" } = object.metadata;
  const around = resource.plural === "namespaces" ? object : store.find("namespaces", undefined, namespace ?? name);
  const inNamespace =
    (!resource.namespaced && resource.plural !== "namespaces") ||
    matchesLabels(webhook.namespaceSelector, around?.metadata.labels);
  return inNamespace && matchesLabels(webhook.objectSelector, labels);
}
