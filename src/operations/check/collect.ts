// Reads the facts that checks judge from the Kubernetes API, with the caller's own permissions. A fact that cannot be read
// carries the reason instead, so that a missing permission skips only the checks that need it.
import { isApiUnreachable } from "../reachable.ts";
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { decodeAuthorities } from "../../pki/slots.ts";
import { LABELS } from "../../policy/annotations.ts";
import { type Clock } from "../../runtime/clock.ts";
import { type ConfigMap, type Deployment, deploymentOf, type Installed, readInstalled } from "../installed.ts";
import { probeAdmission } from "./admission-probe.ts";
import type { Facts, JudgedRight, Known, PodPages, SlotFacts, WebhookConfigurationObject } from "./facts.ts";
import { probeMetadata } from "./metadata-probe.ts";
import { forbiddenRights, installersRights, neededRights, type Right } from "./rights.ts";
import { parseSamples } from "./samples.ts";

export interface CollectDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
  /** Called before each step that takes time. */
  readonly progress: (step: string) => void;
}

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

const PAGES_PORT = 8080;
/** Concurrent reviews and page reads: a limit on the load of the API server. */
const CONCURRENCY = 8;

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
  const installed = both(deployments, configMaps, (found, maps) => readInstalled(found, maps));
  const programs: Installed = "value" in installed ? installed.value : { server: undefined, webhook: undefined };

  progress("reviewing permissions");
  const programRights = await reviewRights(kubernetes, rightsOf(programs, namespace), ({ who }) =>
    who === "me"
      ? undefined
      : `system:serviceaccount:${namespace}:${programs[who]?.serviceAccount ?? `podrole-${who}`}`,
  );

  progress("reading certificates and metrics");
  const trust = programs.server?.settings?.trustConfigMap ?? { namespace, name: "podrole-trust" };
  const trustBundle = await known(
    async () => (await kubernetes.getConfigMap(trust.namespace, trust.name))?.["bundle.pem"],
  );
  const slots = await readSlots(kubernetes, programs, namespace);
  const pages = await readPages(kubernetes, deployments, ownPods, namespace);

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
    ...{ ownNamespace, nodes, deployments, ownPods, budgets, installed, programRights, trustBundle, slots },
    ...{ pages, namespaces, serviceAccounts, pods, admission, metadata },
  };
}

const UNREAD = { unknown: "It was not requested" };
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
  admission: UNREAD,
  pages: [],
  namespaces: UNREAD,
  serviceAccounts: UNREAD,
  pods: UNREAD,
  metadata: UNREAD,
};

/** Throws errors for which `fatal` is true: after them, no other fact can be read. */
async function known<T>(read: () => Promise<T>, fatal: (error: unknown) => boolean = () => false): Promise<Known<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (fatal(error)) throw error;
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}

function both<A, B, Result>(a: Known<A>, b: Known<B>, join: (a: A, b: B) => Result): Known<Result> {
  if ("unknown" in a) return a;
  return "unknown" in b ? b : { value: join(a.value, b.value) };
}

/** Runs `read` for every item with limited concurrency; results are in the order of the items. */
async function readEach<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    results.push(...(await Promise.all(items.slice(at, at + CONCURRENCY).map(read))));
  }
  return results;
}

function rightsOf({ server }: Installed, namespace: string): readonly Right[] {
  const { caCert, caSecret, trustConfigMap, webhookConfiguration = "podrole" } = server?.settings ?? {};
  const names = {
    namespace,
    caSecret: caCert === undefined ? (caSecret?.name ?? "podrole-ca") : undefined,
    trustConfigMap: trustConfigMap?.name ?? "podrole-trust",
    webhookConfiguration,
  };
  return [...neededRights(names), ...forbiddenRights(names)];
}

interface Review {
  readonly status?: { readonly allowed?: boolean };
}

async function reviewRights(
  kubernetes: OperatorKubernetes,
  rights: readonly Right[],
  userOf: (right: Right) => string | undefined,
): Promise<readonly JudgedRight[]> {
  return readEach(rights, async (right) => {
    const user = userOf(right);
    const { group, verb, namespace, name } = right;
    const [resource, subresource] = right.resource.split("/");
    const attributes = { group, resource, verb, ...(subresource && { subresource }), ...(namespace && { namespace }) };
    const resourceAttributes = { ...attributes, ...(name !== undefined && { name }) };
    const spec = { resourceAttributes, ...(user !== undefined && { user, groups: groupsOf(user) }) };
    const kind = user === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
    const resourceName = user === undefined ? "selfsubjectaccessreviews" : "subjectaccessreviews";
    const body = { apiVersion: "authorization.k8s.io/v1", kind, metadata: {}, spec };
    const allowed = await known(
      async () => (await kubernetes.createObject<Review>(resourceName, body)).status?.allowed === true,
    );
    return { right, allowed };
  });
}

/** The groups of a ServiceAccount, which RBAC may bind to as well. */
function groupsOf(user: string): readonly string[] {
  const [, , namespace = ""] = user.split(":");
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
}

async function readSlots(
  kubernetes: OperatorKubernetes,
  { server }: Installed,
  namespace: string,
): Promise<Known<readonly SlotFacts[]>> {
  if (server?.settings?.caCert !== undefined) return { unknown: "The CA is your own (--ca-cert)" };
  const { namespace: where, name } = server?.settings?.caSecret ?? { namespace, name: "podrole-ca" };
  return known(async () => {
    const secret = await kubernetes.getSecret(where, name);
    const held = secret && decodeAuthorities(secret.data);
    if (held === undefined) throw new RangeError(`Secret ${where}/${name} contains no CA yet`);
    const { next, current, previous } = held;
    return [
      ...(next ? [slotFacts("next", next.authority.certificatePem, next.since)] : []),
      slotFacts("current", current.authority.certificatePem, current.since),
      ...(previous ? [slotFacts("previous", previous.certificatePem, previous.since)] : []),
    ];
  });
}

function slotFacts(slot: SlotFacts["slot"], certificatePem: string, since: number): SlotFacts {
  return { slot, certificatePem, since };
}

/** Reads the metrics of every running pod of the two Deployments. */
async function readPages(
  kubernetes: OperatorKubernetes,
  deployments: Known<readonly Deployment[]>,
  ownPods: Known<readonly Pod[]>,
  namespace: string,
): Promise<readonly PodPages[]> {
  if ("unknown" in deployments || "unknown" in ownPods) return [];
  const running = (["server", "webhook"] as const).flatMap((program) => {
    const labels = Object.entries(deploymentOf(program, deployments.value)?.spec.template.metadata.labels ?? {});
    return ownPods.value
      .filter(({ metadata, status }) => status?.phase === "Running" && metadata.deletionTimestamp === undefined)
      .filter(({ metadata }) => labels.length > 0 && labels.every(([key, value]) => metadata.labels?.[key] === value))
      .map(({ metadata }) => ({ program, pod: metadata.name ?? "" }));
  });
  return readEach(running, async ({ program, pod }) => ({
    program,
    pod,
    samples: await known(async () => {
      const { status, text } = await kubernetes.readPage({ namespace, name: pod }, PAGES_PORT, "/metrics");
      if (status !== 200)
        throw new RangeError(`Cannot read its metrics: HTTP ${status} ${messageOf(text)}; expected 200`);
      return parseSamples(text);
    }),
  }));
}

/** The message of the API server, if it answered instead of the pod. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message.slice(0, 200) : "";
  } catch {
    return "";
  }
}

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
  const found = namespaces.value.find(
    ({ metadata: { name, labels = {}, deletionTimestamp } }) =>
      labels[LABELS.inject] === "enabled" && name !== own && deletionTimestamp === undefined,
  );
  const name = found?.metadata.name;
  if (name === undefined)
    return { unknown: "No namespace carries the label podrole.io/inject: enabled, so there is none to test with" };
  return known(() => probeAdmission(kubernetes, name));
}

async function readMetadata(
  { kubernetes, clock, interrupted, progress }: CollectDeps,
  { imdsNamespace }: CollectOptions,
  { server }: Installed,
): Promise<Facts["metadata"]> {
  if (imdsNamespace === undefined) return { unknown: "Only tested with --imds NAMESPACE" };
  if (server === undefined) return { unknown: "The server's image is unknown" };
  progress(`running a pod in namespace ${imdsNamespace}`);
  return known(() =>
    probeMetadata({ kubernetes, clock, interrupted }, { namespace: imdsNamespace, image: server.image }),
  );
}
