// The namespaces and pods that use podrole, with everything that decisions about them need, and the decision: plan(),
// as at admission.

import { type Plan, type PlanSettings, plan } from "../../injection/plan.ts";
import { hasFinished, type Namespace, type Pod, type ServiceAccount } from "../../kubernetes/objects.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";
import { optsIn } from "../../policy/annotations.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import { policySettings } from "../../policy/settings-table.ts";
import { choosesNativeSidecar, planSettings } from "../../settings/plan-settings.ts";
import { installationFacts } from "../installation-facts.ts";
import { countReplicas, type Deployment, deploymentOf, type ProgramName, type ReplicaCount } from "../installed.ts";
import { allKnown, deriveKnown, type Known } from "../known.ts";
import { createNamespacePermission } from "../namespace-permission.ts";
import { namespaceSight, sightsByName } from "../namespace-sight.ts";
import { compareTrust } from "../pod-trust.ts";
import { absenceFacts } from "../replica-count.ts";
import { lastRefusals } from "../state/last-refusals.ts";
import type { PodSurroundings } from "../status/diagnose-seen.ts";
import type { PodRow } from "../status/model.ts";
import { podRows } from "../status/pod-rows.ts";
import { seenPodOf } from "../status/seen-pod.ts";
import { oldestOf } from "../uninjected-cause.ts";
import type { Facts } from "./facts.ts";
import { ownWebhooks } from "./own-webhooks.ts";

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

/** Returns the installation, and what else diagnoses of pods depend on, as podrole status reads it. */
export function surroundingsOf(facts: Facts): PodSurroundings {
  const { now, namespace, deployments, installed, webhookConfigurations, namespaces, trustBundle, running } = facts;
  const deployed = "value" in deployments ? deployments.value : [];
  const own = "value" in webhookConfigurations ? ownWebhooks(webhookConfigurations.value, namespace) : undefined;
  const isRegistered = own && own.length > 0;
  const settings = "value" in installed ? installed.value.server?.settings : undefined;
  const sights = sightsByName(("value" in namespaces ? namespaces.value : []).map(namespaceSight));
  return {
    now,
    installation: {
      ...installationFacts(deployed, "value" in installed ? installed.value : {}, isRegistered),
      ...(running && { running }),
    },
    server: replicasIn("server", deployed, facts),
    isRegistered,
    registeredAt: own && oldestOf(own.map(({ configuration }) => configuration)),
    namespaces: sights,
    compareTrust: (own) => compareTrust(own, "value" in trustBundle ? trustBundle.value : undefined),
    permission: createNamespacePermission(settings && policySettings(settings), sights),
  };
}

/** Counts the replicas of a program, with the reason if none is ready. */
export function replicasIn(
  program: ProgramName,
  deployments: readonly Deployment[],
  { ownPods, ownReplicaSets }: Pick<Facts, "ownPods" | "ownReplicaSets">,
): ReplicaCount | undefined {
  const count = countReplicas(program, deployments);
  const deployment = deploymentOf(program, deployments);
  if (deployment === undefined || count === undefined || count.ready > 0 || "unknown" in ownPods) return count;
  const pods = { value: podsOfDeployment(deployment, ownPods.value) };
  return { ...count, ...absenceFacts(deployment, pods, ownReplicaSets) };
}

/** Returns the pods of a Deployment. */
export function podsOfDeployment({ spec }: Deployment, pods: readonly Pod[]): readonly Pod[] {
  const selector = { matchLabels: spec.template.metadata.labels ?? {} };
  return pods.filter(({ metadata }) => matchesLabels(selector, metadata.labels));
}

/** Returns the rows of podrole status about the pods. */
export function podRowsOf(facts: Facts): readonly PodRow[] {
  const seen = deriveKnown(facts.pods, (pods) =>
    pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).flatMap((pod) => seenPodOf(pod) ?? []),
  );
  return podRows({
    seen,
    held: deriveKnown(facts.held, ({ state }) => state.pods),
    refusals: lastRefusals("value" in facts.held ? facts.held.value.state : {}),
    ...surroundingsOf(facts),
  });
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
