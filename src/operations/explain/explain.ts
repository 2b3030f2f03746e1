// Explains what podrole does with a pod: reads its context and the installed settings from the cluster, then decides
// with the webhook's own functions.
import { isInjected } from "../../injection/parts.ts";
import type { OperatorResource } from "../../kubernetes/api.ts";
import { hasFinished, type Namespace, type Pod, type ServiceAccount } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Checked, failure, type Result, success } from "../../runtime/result.ts";
import { readBlockingQuota } from "../blocking-quota.ts";
import { workloadFailure, workloadReplicas } from "../creation-failure.ts";
import { type Known, readAllowed } from "../known.ts";
import { type KubernetesObject, type NamedText, parseObjects } from "../manifests/parse-objects.ts";
import { templatesOf } from "../manifests/templates.ts";
import { comparePodTrust } from "../pod-trust.ts";
import { readRunningPods } from "../read-running-pods.ts";
import type { AskServer } from "../state/ask-server.ts";
import type { HeldPod } from "../state/last-refusals.ts";
import { seenPodOf } from "../status/seen-pod.ts";
import { readLastRequest } from "./certificate-request.ts";
import { explainPod } from "./explanation.ts";
import type { ExplainInput, ExplainSettings, Explanation } from "./model.ts";
import { neighboursOf } from "./neighbours.ts";
import { readExplainSettings } from "./settings.ts";
import { readEnvSources, readNamespaceLimits } from "./surroundings.ts";

/** An object in the cluster that is or makes a pod. */
export interface ExplainedObject {
  readonly kind: string;
  readonly resource: "pods" | OperatorResource;
  readonly name: string;
}

/** What to explain, and where podrole's settings are. */
export interface ExplainOptions {
  /** An object in the cluster, or a text of manifests and its name for messages. */
  readonly subject: ExplainedObject | NamedText;
  /** Of the object, and of manifests that name none. */
  readonly namespace: string;
  readonly podroleNamespace: string;
}

/** What explain() reads from; without `readHeld`, nothing is said about what pods hold. */
export interface ExplainDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Pick<Clock, "now">;
  /** Returns what podrole's server knows about a pod of the cluster. */
  readonly readHeld?: (pod: Pod) => Promise<Known<HeldPod | undefined>>;
  /** Asks the server about all pods; without it, it is unknown which of them have renewed. */
  readonly askServer?: AskServer;
}

/**
 * Explains every pod of the subject; the problem is why there is none. Throws ApiError when the API server does not
 * answer.
 */
export async function explain(
  deps: ExplainDeps,
  { subject, namespace, podroleNamespace }: ExplainOptions,
): Promise<Result<readonly Explanation[]>> {
  const reader = createReader(deps, namespace);
  const inputs = "text" in subject ? await reader.fromText(subject) : await reader.fromCluster(subject);
  if (!inputs.ok) return inputs;
  const read = await readExplainSettings(deps.kubernetes, podroleNamespace);
  const settings = { ...read, now: deps.clock.now() };
  const explanations: Explanation[] = [];
  for (const input of inputs.value) {
    const trusted = withTrust(input, settings);
    const explanation = explainPod(trusted, settings);
    if (explanation.cause === undefined) {
      explanations.push(explanation);
      continue;
    }
    const known = await withNeighbours(deps, trusted);
    explanations.push(explainPod(known, await withRunning(deps, settings, { input, explanation })));
  }
  return success(explanations);
}

/** Adds what pods of all namespaces do, if the cause concerns them. */
async function withRunning(
  { kubernetes, askServer }: ExplainDeps,
  settings: ExplainSettings,
  { input, explanation }: { readonly input: ExplainInput; readonly explanation: Explanation },
): Promise<ExplainSettings> {
  const { server, installation, trustBundle: bundle } = settings;
  const running = await readRunningPods(
    { kubernetes, askServer },
    {
      namespace: input.namespaceName,
      server: "value" in server ? server.value : undefined,
      isRegistered: installation?.isRegistered,
      isDistrusted: explanation.cause?.includes("SERVER_UNTRUSTED: ") === true,
      bundle,
      sessionMs: installation?.sessionMs,
    },
  );
  return running === undefined ? settings : { ...settings, installation: { ...installation, running } };
}

/** Adds the other pods of the namespace of a pod that is not well, if they may be read. */
async function withNeighbours(
  { kubernetes }: Pick<ExplainDeps, "kubernetes">,
  input: ExplainInput,
): Promise<ExplainInput> {
  if (!input.exists) return input;
  const { namespaceName: namespace } = input;
  const seen = await readAllowed(() => kubernetes.listProjected("pods", seenPodOf, { namespace }));
  return "value" in seen ? { ...input, neighbours: neighboursOf(input.pod, seen.value, input.held) } : input;
}

function withTrust(input: ExplainInput, { trustBundle }: ExplainSettings): ExplainInput {
  const trust = comparePodTrust(input.pod, trustBundle);
  return trust === undefined ? input : { ...input, trust };
}

function createReader({ kubernetes, readHeld }: ExplainDeps, usual: string) {
  async function fromCluster({ kind, resource, name }: ExplainedObject): Promise<Result<readonly ExplainInput[]>> {
    const object = await kubernetes.read<KubernetesObject>(resource, { namespace: usual, name });
    const called = `${kind.toLowerCase()} "${name}"`;
    if (object === undefined) return failure(`there is no ${called} in namespace "${usual}"`);
    const inputs = await surrounded({ ...object, kind }, NOTHING_GIVEN);
    return inputs.length === 0 ? failure(`${called} has no pod template`) : success(inputs);
  }

  /**
   * Every object that is or makes a pod. What the text has of a pod's surroundings takes precedence over the cluster's.
   */
  async function fromText({ text, origin }: NamedText): Promise<Result<readonly ExplainInput[]>> {
    const manifests = sortManifests(text, origin, usual);
    if (!manifests.ok) return failure(`--filename: ${manifests.problems.join("; ")}`);
    const inputs: ExplainInput[] = [];
    for (const object of manifests.value.objects) inputs.push(...(await surrounded(object, manifests.value)));
    return inputs.length === 0 ? failure("--filename: no object in it is or makes a pod") : success(inputs);
  }

  async function surrounded(object: KubernetesObject, given: Manifests): Promise<readonly ExplainInput[]> {
    const inputs: ExplainInput[] = [];
    for (const { pod } of templatesOf(object)) inputs.push(await surroundedPod(object, pod, given));
    return inputs;
  }

  async function surroundedPod(object: KubernetesObject, pod: Pod, given: Manifests): Promise<ExplainInput> {
    const { name = object.metadata.generateName ?? "", namespace = usual } = object.metadata;
    const account = serviceAccountOf(pod.spec);
    const isPod = object.kind === "Pod";
    const exists = isPod && object.metadata.uid !== undefined;
    const read = {
      namespace: await readUnlessGiven(given.namespaces.get(namespace), () => kubernetes.getNamespace(namespace)),
      serviceAccount: await readUnlessGiven(given.serviceAccounts.get(`${namespace}/${account}`), () =>
        kubernetes.getServiceAccount(namespace, account),
      ),
    };
    const missingRights = Object.values(read).flatMap((fact) => ("unknown" in fact ? (fact.needs ?? []) : []));
    const blocked = workloadFailure(object);
    const lastRequest = exists ? await readLastRequest(kubernetes, pod) : undefined;
    return {
      kind: object.kind,
      name,
      pod: isPod ? pod : nameLikeOwner(pod, name),
      exists,
      ...(given.file !== undefined && { file: given.file }),
      replicas: isPod ? undefined : workloadReplicas(object),
      namespaceName: namespace,
      namespace: "value" in read.namespace ? read.namespace.value : undefined,
      serviceAccount: "value" in read.serviceAccount ? read.serviceAccount.value : undefined,
      limits: await readNamespaceLimits(kubernetes, namespace, given.objects),
      envSources: await readEnvSources(kubernetes, { pod, namespace }, given.objects),
      ...(missingRights.length > 0 && { missingRights }),
      ...(blocked !== undefined && {
        failure: blocked,
        quota: await readBlockingQuota(kubernetes, { namespace, failure: blocked }),
      }),
      ...(lastRequest && { lastRequest }),
      ...(readHeld && exists && isInjected(pod) && !hasFinished(pod) && { held: await readHeld(pod) }),
    };
  }

  return { fromCluster, fromText };
}

async function readUnlessGiven<T>(
  given: T | undefined,
  read: () => Promise<T | undefined>,
): Promise<Known<T | undefined>> {
  return given === undefined ? readAllowed(read) : { value: given };
}

/** Controllers append a suffix to their own name; it is unknown until the pod exists. */
function nameLikeOwner(pod: Pod, owner: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, name: `${owner}-xxxxx` } };
}

/** The objects of a text, and those among them that decide about pods. */
interface Manifests {
  /** As -f names it; absent for an object of the cluster. */
  readonly file?: string;
  readonly objects: readonly KubernetesObject[];
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** By "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, ServiceAccount>;
}

const NOTHING_GIVEN: Manifests = { objects: [], namespaces: new Map(), serviceAccounts: new Map() };

/** Reads a YAML or JSON text; `origin` names it in the problems. */
function sortManifests(text: string, origin: string, defaultNamespace: string): Checked<Manifests> {
  const { objects, problems } = parseObjects(text, origin);
  if (problems.length > 0) return { ok: false, problems };
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind && object.metadata.name);
  const accountKey = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? defaultNamespace}/${metadata.name}`;
  return success({
    file: origin === "standard input" ? "-" : origin,
    objects,
    namespaces: new Map(ofKind("Namespace").map((one) => [one.metadata.name ?? "", one as Namespace])),
    serviceAccounts: new Map(
      ofKind("ServiceAccount").map((account) => [accountKey(account), account as ServiceAccount]),
    ),
  });
}
