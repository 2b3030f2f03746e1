// Reads the facts that checks judge from the Kubernetes API, with the caller's own permissions. A fact that cannot be
// read carries the reason instead, so that a missing permission skips only the checks that need it.
import { isApiUnreachable } from "../../../kubernetes/errors.ts";
import type { Namespace } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { type Clock } from "../../../runtime/clock.ts";
import { type EventObject, FAILED_CREATIONS, findBlockedWorkloads } from "../../blocked-workloads.ts";
import { type InstallationFacts, installationFacts } from "../../installation-facts.ts";
import { countReplicas, type Installed } from "../../installed.ts";
import { deriveKnown, type Known, readKnown } from "../../known.ts";
import { namespaceSight, sightsByName } from "../../namespace-sight.ts";
import { isDistrusting, readRunningPods } from "../../read-running-pods.ts";
import { createServerQuestion } from "../../state/ask-server.ts";
import type { Facts, WebhookConfigurationObject } from "../facts.ts";
import { ownWebhooks } from "../own-webhooks.ts";
import { installersRights } from "../rights.ts";
import { labelledNamespaces } from "../workloads.ts";
import { probeAdmission } from "./admission-probe.ts";
import { readPublished, readSlotCertificates } from "./authority.ts";
import { probeMetadata } from "./metadata-probe.ts";
import { readMetricsPages } from "./metrics-pages.ts";
import { readAdmissionPolicies, readOwnObjects } from "./own-objects.ts";
import { reviewRights, rightsOf } from "./review-rights.ts";
import { type PodScope, readUsers } from "./users.ts";

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

/** Throws ApiError when the API server does not answer, or does not accept the caller's credentials. */
export async function collectFacts(deps: CollectDeps, options: CollectOptions): Promise<Facts> {
  const { kubernetes, clock, progress } = deps;
  const { namespace, phase, cliVersion } = options;
  progress("connecting to the API server");
  const api = await readKnown(() => kubernetes.serverVersion(), isApiUnreachable);
  const webhookConfigurations = await readKnown(() =>
    kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations"),
  );
  const common = { now: clock.now(), cliVersion, namespace, api, webhookConfigurations };
  if (phase === "pre") {
    const ownRights = await reviewRights(kubernetes, installersRights(namespace), () => undefined);
    return { ...NOT_READ, ...common, ownRights };
  }

  progress(`reading namespace ${namespace}`);
  const own = await readOwnObjects(kubernetes, namespace);
  const programs: Installed =
    "value" in own.installed ? own.installed.value : { server: undefined, webhook: undefined };
  const admissionPolicies = await readAdmissionPolicies(kubernetes);

  progress("reviewing permissions");
  const programRights = await reviewRights(kubernetes, rightsOf(programs, namespace), ({ who }) =>
    who === "me"
      ? undefined
      : `system:serviceaccount:${namespace}:${programs[who]?.serviceAccount ?? `podrole-${who}`}`,
  );

  progress("reading certificates and metrics");
  const published = await readPublished(kubernetes, programs, namespace);
  const trustBundle = deriveKnown(published, (all) => all.trustBundle);
  const publishedPodCertificates = deriveKnown(published, (all) => all.podCertificates);
  const slots = await readSlotCertificates(kubernetes, programs, namespace);
  const pages = await readMetricsPages(kubernetes, programs, own.deployments, own.ownPods, namespace);

  progress("reading namespaces, service accounts and pods");
  const users = await readUsers(kubernetes, options.pods);
  const admission = await readAdmission(kubernetes, users.namespaces, namespace);
  progress("asking podrole's server");
  const scope = options.pods && "namespace" in options.pods ? options.pods.namespace : undefined;
  const askServer = createServerQuestion({ kubernetes }, { podroleNamespace: namespace });
  const held = await askServer(scope);
  const metadata = await readMetadata(deps, options, programs);
  const deployed = "value" in own.deployments ? own.deployments.value : [];
  const isRegistered =
    "value" in webhookConfigurations ? ownWebhooks(webhookConfigurations.value, namespace).length > 0 : undefined;
  const known = installationFacts(deployed, programs, isRegistered);
  const running = await readRunningPods(
    { kubernetes, askServer },
    {
      namespace: scope,
      bundle: "value" in trustBundle ? trustBundle.value : undefined,
      server: countReplicas("server", deployed),
      isRegistered,
      isDistrusted: "value" in users.pods && users.pods.value.some(isDistrusting),
      sessionMs: known.sessionMs,
    },
  );
  const installation = { ...known, ...(running && { running }) };
  const blocked = await readBlocked(deps, users.namespaces, { scope, installation });
  const ofPods = {
    ...{ ...users, admission, held, metadata, blocked },
    ...(running && { running }),
    isOneNamespace: scope !== undefined,
  };
  const read = {
    ...own,
    admissionPolicies,
    programRights,
    trustBundle,
    publishedPodCertificates,
    slots,
    pages,
    ...ofPods,
  };
  return { ...NOT_READ, ...common, ...read };
}

const NOT_NEEDED = { unknown: "This was not read, because the check does not need it" };
const NOT_READ = {
  servesPodCertificates: NOT_NEEDED,
  kubelets: NOT_NEEDED,
  ownRights: [],
  programRights: [],
  ownNamespace: NOT_NEEDED,
  deployments: NOT_NEEDED,
  installed: NOT_NEEDED,
  ownPods: NOT_NEEDED,
  ownReplicaSets: NOT_NEEDED,
  budgets: NOT_NEEDED,
  trustBundle: NOT_NEEDED,
  publishedPodCertificates: NOT_NEEDED,
  slots: NOT_NEEDED,
  admissionPolicies: NOT_NEEDED,
  admission: NOT_NEEDED,
  pages: [],
  namespaces: NOT_NEEDED,
  serviceAccounts: NOT_NEEDED,
  limitRanges: NOT_NEEDED,
  resourceQuotas: NOT_NEEDED,
  pods: NOT_NEEDED,
  blocked: NOT_NEEDED,
  isOneNamespace: false,
  held: NOT_NEEDED,
  metadata: NOT_NEEDED,
};

/** Those of the namespaces in scope: Events of all namespaces are one list. */
function readBlocked(
  { kubernetes, clock }: Pick<CollectDeps, "kubernetes" | "clock">,
  namespaces: Known<readonly Namespace[]>,
  { scope, installation }: { readonly scope: string | undefined; readonly installation: InstallationFacts },
): Promise<Facts["blocked"]> {
  return readKnown(async () => {
    const inPlace = scope === undefined ? {} : { namespace: scope };
    const selector = { ...inPlace, fieldSelector: FAILED_CREATIONS };
    const failures = await kubernetes.listAll<EventObject>("events", selector);
    const sights = sightsByName(("value" in namespaces ? namespaces.value : []).map(namespaceSight));
    const inScope = failures.filter(({ involvedObject }) => sights.has(involvedObject?.namespace ?? ""));
    return findBlockedWorkloads({ kubernetes }, inScope, { now: clock.now(), namespaces: sights, installation });
  });
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
  return readKnown(() => probeAdmission(kubernetes, name));
}

async function readMetadata(
  { kubernetes, clock, interrupted, progress }: CollectDeps,
  { imdsNamespace }: CollectOptions,
  { server }: Installed,
): Promise<Facts["metadata"]> {
  if (imdsNamespace === undefined) return { unknown: "This is tested only with --imds NAMESPACE" };
  if (server === undefined) return { unknown: "The server's image is unknown" };
  progress(`running a pod in namespace ${imdsNamespace}`);
  return readKnown(() =>
    probeMetadata({ kubernetes, clock, interrupted }, { namespace: imdsNamespace, image: server.image }),
  );
}
