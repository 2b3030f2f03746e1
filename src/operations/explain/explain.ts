// Explains what podrole does with a pod: reads its context and the installed settings from the cluster, then decides
// with the webhook's own functions.
import type { OperatorResource } from "../../kubernetes/api.ts";
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import { type Checked, failure, type Result, success } from "../../runtime/result.ts";
import { type KubernetesObject, type NamedText, parseObjects } from "../manifests/parse-objects.ts";
import { templatesOf } from "../manifests/templates.ts";
import { type ExplainInput, type Explanation, explainPod } from "./explanation.ts";
import { readExplainSettings } from "./settings.ts";

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

/**
 * Explains every pod of the subject; the problem is why there is none. Throws ApiError when the API server does not
 * answer.
 */
export async function explain(
  { kubernetes }: { readonly kubernetes: OperatorKubernetes },
  { subject, namespace, podroleNamespace }: ExplainOptions,
): Promise<Result<readonly Explanation[]>> {
  const reader = createReader(kubernetes, namespace);
  const inputs = "text" in subject ? await reader.fromText(subject) : await reader.fromCluster(subject);
  if (!inputs.ok) return inputs;
  const settings = await readExplainSettings(kubernetes, podroleNamespace);
  return success(inputs.value.map((input) => explainPod(input, settings)));
}

function createReader(kubernetes: OperatorKubernetes, usual: string) {
  async function fromCluster({ kind, resource, name }: ExplainedObject): Promise<Result<readonly ExplainInput[]>> {
    const object = await kubernetes.read<KubernetesObject>(resource, { namespace: usual, name });
    const called = `${kind.toLowerCase()} "${name}"`;
    if (object === undefined) return failure(`there is no ${called} in namespace "${usual}"`);
    const inputs = await surrounded({ ...object, kind }, new Map(), new Map());
    return inputs.length === 0 ? failure(`${called} has no pod template`) : success(inputs);
  }

  /**
   * Every object that is or makes a pod. Namespaces and ServiceAccounts of the text take precedence over the cluster's.
   */
  async function fromText({ text, origin }: NamedText): Promise<Result<readonly ExplainInput[]>> {
    const manifests = sortManifests(text, origin, usual);
    if (!manifests.ok) return failure(`--filename: ${manifests.problems.join("; ")}`);
    const { objects, namespaces, serviceAccounts } = manifests.value;
    const inputs: ExplainInput[] = [];
    for (const object of objects) {
      inputs.push(...(await surrounded(object, namespaces, serviceAccounts)));
    }
    return inputs.length === 0 ? failure("--filename: no object in it is or makes a pod") : success(inputs);
  }

  async function surrounded(
    object: KubernetesObject,
    namespaces: ReadonlyMap<string, Namespace>,
    accounts: ReadonlyMap<string, ServiceAccount>,
  ): Promise<readonly ExplainInput[]> {
    const inputs: ExplainInput[] = [];
    for (const { pod } of templatesOf(object)) inputs.push(await surroundedPod(object, pod, namespaces, accounts));
    return inputs;
  }

  async function surroundedPod(
    object: KubernetesObject,
    pod: Pod,
    namespaces: ReadonlyMap<string, Namespace>,
    accounts: ReadonlyMap<string, ServiceAccount>,
  ): Promise<ExplainInput> {
    const { name = object.metadata.generateName ?? "", namespace = usual } = object.metadata;
    const account = serviceAccountOf(pod.spec);
    const isPod = object.kind === "Pod";
    return {
      kind: object.kind,
      name,
      pod: isPod ? pod : nameLikeOwner(pod, name),
      exists: isPod && object.metadata.uid !== undefined,
      namespaceName: namespace,
      namespace: namespaces.get(namespace) ?? (await kubernetes.getNamespace(namespace)),
      serviceAccount:
        accounts.get(`${namespace}/${account}`) ?? (await kubernetes.getServiceAccount(namespace, account)),
    };
  }

  return { fromCluster, fromText };
}

/** Controllers append a suffix to their own name; it is unknown until the pod exists. */
function nameLikeOwner(pod: Pod, owner: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, name: `${owner}-xxxxx` } };
}

/** The objects of a text, and those among them that decide about pods. */
interface Manifests {
  readonly objects: readonly KubernetesObject[];
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** By "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, ServiceAccount>;
}

/** Reads a YAML or JSON text; `origin` names it in the problems. */
function sortManifests(text: string, origin: string, defaultNamespace: string): Checked<Manifests> {
  const { objects, problems } = parseObjects(text, origin);
  if (problems.length > 0) return { ok: false, problems };
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind && object.metadata.name);
  const accountKey = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? defaultNamespace}/${metadata.name}`;
  return success({
    objects,
    namespaces: new Map(ofKind("Namespace").map((one) => [one.metadata.name ?? "", one as Namespace])),
    serviceAccounts: new Map(
      ofKind("ServiceAccount").map((account) => [accountKey(account), account as ServiceAccount]),
    ),
  });
}
