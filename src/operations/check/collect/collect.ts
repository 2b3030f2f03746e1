// Reads the facts that checks judge from the Kubernetes API, with the caller's own permissions. A fact that cannot be read
// carries the reason instead, so that a missing permission skips only the checks that need it.
import { isApiUnreachable } from "../../../kubernetes/errors.ts";
import type { Namespace, Pod, ServiceAccount } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { type Clock } from "../../../runtime/clock.ts";
import { type ConfigMap, type Deployment, type Installed, readInstalled } from "../../installed.ts";
import { probeAdmission } from "./admission-probe.ts";
import type { Facts, WebhookConfigurationObject } from "../facts.ts";
import { probeMetadata } from "./metadata-probe.ts";
import { allKnown, derived, type Known, known, readEach } from "../known.ts";
import { labelledNamespaces } from "../workloads.ts";
import { readSlots } from "./ca-slots.ts";
import { readPages } from "./metrics-pages.ts";
import { reviewRights, rightsOf } from "./review-rights.ts";
import { DEFAULT_NAMES, installersRights } from "../rights.ts";

/** What the facts are read with. */
export interface CollectDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
  /** Called before each step that takes time. */
  readonly progress: (step: string) => void;
}

/** Which facts are read. */
export interface CollectOptions {
  /** podrole's own. */
  readonly namespace: string;
  readonly phase: "pre" | "installed";
  /** Which pods, and which namespaces and ServiceAccounts with them; undefined: those of the whole cluster. */
  readonly pods: PodScope | undefined;
  /** Namespace for the pod of --imds; undefined: no pod is created. */
  readonly imdsNamespace: string | undefined;
  readonly cliVersion: string;
}

/** One namespace, or those with certain labels. */
export type PodScope = { readonly namespace: string } | { readonly namespaceSelector: string };

/** Throws ApiError when the API server does not answer, or does not accept the caller's credentials. */
export async function collect(deps: CollectDeps, options: CollectOptions): Promise<Facts> {
  const { kubernetes, clock, progress } = deps;
  const { namespace, phase, cliVersion } = options;
  progress("connecting to the API server");
  const api = await known(() => kubernetes.serverVersion(), isApiUnreachable);
  const webhookConfigurations = await known(() =>
    kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations"),
  );
  const common = { now: clock.now(), cliVersion, namespace, api, webhookConfigurations };
  if (phase === "pre") {
    const ownRights = await reviewRights(kubernetes, installersRights(namespace), () => undefined);
    return { ...NOT_READ, ...common, ownRights };
  }

  progress(`reading namespace ${namespace}`);
  const inOwn = { namespace };
  const ownNamespace = await known(() => kubernetes.getNamespace(namespace));
  const nodes = await known(async () => (await kubernetes.listAll("nodes")).length);
  const deployments = await known(() => kubernetes.listAll<Deployment>("deployments", inOwn));
  const configMaps = await known(() => kubernetes.listAll<ConfigMap>("configmaps", inOwn));
  const ownPods = await known(() => kubernetes.listAll<Pod>("pods", inOwn));
  const budgets = await known(() => kubernetes.listAll<never>("poddisruptionbudgets", inOwn));
  const installed = derived(allKnown({ deployments, configMaps }), (read) =>
    readInstalled(read.deployments, read.configMaps),
  );
  const programs: Installed = "value" in installed ? installed.value : { server: undefined, webhook: undefined };

  const admissionPolicies = await known(async () => ({
    policies: await kubernetes.listAll<never>("validatingadmissionpolicies"),
    bindings: await kubernetes.listAll<never>("validatingadmissionpolicybindings"),
  }));

  progress("reviewing permissions");
  const programRights = await reviewRights(kubernetes, rightsOf(programs, namespace), ({ who }) =>
    who === "me"
      ? undefined
      : `system:serviceaccount:${namespace}:${programs[who]?.serviceAccount ?? `podrole-${who}`}`,
  );

  progress("reading certificates and metrics");
  const trust = programs.server?.settings?.trustConfigMap ?? { namespace, name: DEFAULT_NAMES.trustConfigMap };
  const trustBundle = await known(
    async () => (await kubernetes.getConfigMap(trust.namespace, trust.name))?.["bundle.pem"],
  );
  const slots = await readSlots(kubernetes, programs, namespace);
  const pages = await readPages(kubernetes, programs, deployments, ownPods, namespace);

  progress("reading namespaces, service accounts and pods");
  const namespaces = await known(() => readNamespaces(kubernetes, options.pods));
  const names = "value" in namespaces ? namespaces.value.map(({ metadata }) => metadata.name ?? "") : [];
  // One list for the whole cluster, or one for each selected namespace.
  const inNamespaces = <Item>(resource: "pods" | "serviceaccounts") =>
    known(async () =>
      options.pods === undefined
        ? kubernetes.listAll<Item>(resource)
        : (await readEach(names, (name) => kubernetes.listAll<Item>(resource, { namespace: name }))).flat(),
    );
  const serviceAccounts = await inNamespaces<ServiceAccount>("serviceaccounts");
  const pods = await inNamespaces<Pod>("pods");
  const admission = await readAdmission(kubernetes, namespaces, namespace);
  const metadata = await readMetadata(deps, options, programs);
  return {
    ...NOT_READ,
    ...common,
    ...{
      ownNamespace,
      nodes,
      deployments,
      ownPods,
      budgets,
      installed,
      programRights,
      trustBundle,
      slots,
      admissionPolicies,
    },
    ...{ pages, namespaces, serviceAccounts, pods, admission, metadata },
  };
}

const UNREAD = { unknown: "This was not read, because the check does not need it" };
const NOT_READ = {
  nodes: UNREAD,
  ownRights: [],
  programRights: [],
  ownNamespace: UNREAD,
  deployments: UNREAD,
  installed: UNREAD,
  ownPods: UNREAD,
  budgets: UNREAD,
  trustBundle: UNREAD,
  slots: UNREAD,
  admissionPolicies: UNREAD,
  admission: UNREAD,
  pages: [],
  namespaces: UNREAD,
  serviceAccounts: UNREAD,
  pods: UNREAD,
  metadata: UNREAD,
};

async function readNamespaces(
  kubernetes: OperatorKubernetes,
  scope: PodScope | undefined,
): Promise<readonly Namespace[]> {
  if (scope === undefined) return kubernetes.listAll<Namespace>("namespaces");
  if ("namespaceSelector" in scope) {
    return kubernetes.listAll<Namespace>("namespaces", { labelSelector: scope.namespaceSelector });
  }
  const found = await kubernetes.getNamespace(scope.namespace);
  return found === undefined ? [] : [found];
}

async function readAdmission(
  kubernetes: OperatorKubernetes,
  namespaces: Known<readonly Namespace[]>,
  own: string,
): Promise<Facts["admission"]> {
  if ("unknown" in namespaces) return namespaces;
  const found = labelledNamespaces(namespaces.value).find(({ metadata }) => metadata.name !== own);
  const name = found?.metadata.name;
  if (name === undefined)
    return { unknown: "No namespace has the label podrole.io/inject: enabled, so there is no namespace to test with" };
  return known(() => probeAdmission(kubernetes, name));
}

async function readMetadata(
  { kubernetes, clock, interrupted, progress }: CollectDeps,
  { imdsNamespace }: CollectOptions,
  { server }: Installed,
): Promise<Facts["metadata"]> {
  if (imdsNamespace === undefined) return { unknown: "This is tested only with --imds NAMESPACE" };
  if (server === undefined) return { unknown: "The server's image is unknown" };
  progress(`running a pod in namespace ${imdsNamespace}`);
  return known(() =>
    probeMetadata({ kubernetes, clock, interrupted }, { namespace: imdsNamespace, image: server.image }),
  );
}
