// The namespaces and pods that use podrole, with everything that decisions about them need, and the decision: plan(),
// as at admission.

import { type Plan, type PlanSettings, plan } from "../../injection/plan.ts";
import { hasFinished, type Namespace, type Pod, type ServiceAccount } from "../../kubernetes/objects.ts";
import { optsIn } from "../../policy/annotations.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import { choosesNativeSidecar, planSettings } from "../../settings/plan-settings.ts";
import { allKnown, type Known } from "../known.ts";
import type { Facts } from "./facts.ts";

/** What decisions about pods need. */
export interface Workloads {
  readonly settings: PlanSettings;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** By "namespace/name". */
  readonly accounts: ReadonlyMap<string, ServiceAccount>;
  /** Pods that run or will run. */
  readonly pods: readonly Pod[];
}

/** Unknown, with the reason, if a fact is, or if the webhook's settings cannot be used. */
export function workloadsOf({ trustBundle, publishedPodCertificates: published, ...facts }: Facts): Known<Workloads> {
  const { installed, api, namespaces, serviceAccounts, pods } = facts;
  const read = allKnown({ installed, api, namespaces, serviceAccounts, pods });
  if ("unknown" in read) return read;
  const settings = read.value.installed.webhook?.settings;
  if (settings === undefined) return { unknown: "The webhook's settings are unknown" };
  const bundle = "value" in trustBundle ? (trustBundle.value ?? "") : "";
  const knowsPodCertificates = "value" in published && published.value === "on";
  const nativeSidecar = choosesNativeSidecar(settings.nativeSidecar, read.value.api);
  return {
    value: {
      settings: planSettings(settings, { trustBundle: bundle, nativeSidecar, knowsPodCertificates }),
      namespaces: new Map(read.value.namespaces.map((namespace) => [namespace.metadata.name ?? "", namespace])),
      accounts: new Map(read.value.serviceAccounts.map((account) => [qualifiedPodName(account), account])),
      pods: read.value.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !hasFinished(pod)),
    },
  };
}

/** Namespaces with the label podrole.io/inject: enabled, except those that are being deleted. */
export function labelledNamespaces(namespaces: Iterable<Namespace>): readonly Namespace[] {
  return [...namespaces].filter(({ metadata }) => optsIn(metadata.labels) && metadata.deletionTimestamp === undefined);
}

/** "namespace/name" */
export function qualifiedPodName({ metadata }: { readonly metadata: Pod["metadata"] }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** What podrole would do with the pod if it were created now; undefined if its namespace was not read. */
export function planOf(pod: Pod, { settings, namespaces, accounts }: Workloads): Plan | undefined {
  const { namespace = "" } = pod.metadata;
  const metadata = namespaces.get(namespace)?.metadata;
  if (metadata === undefined) return undefined;
  const account = accounts.get(`${namespace}/${serviceAccountOf(pod.spec)}`)?.metadata.annotations;
  const { labels = {}, annotations = {} } = metadata;
  const input = { pod, namespace: { name: namespace, labels, annotations }, serviceAccountAnnotations: account ?? {} };
  return plan(input, settings);
}
