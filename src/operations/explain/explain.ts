// Explains what podrole does with a pod: reads its context and the installed settings from the cluster, then decides
// with the webhook's own functions.
import type { OperatorResource } from "../../kubernetes/api.ts";
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import type { KubernetesObject } from "../manifests/objects.ts";
import { templateOf } from "../manifests/templates.ts";
import { type ExplainInput, type Explanation, explainPod } from "./explanation.ts";
import { readManifests } from "./manifests.ts";
import { readExplainSettings } from "./settings.ts";

/** An object in the cluster that is or makes a pod. */
export interface Subject {
  readonly kind: string;
  readonly resource: "pods" | OperatorResource;
  readonly name: string;
}

export interface ExplainOptions {
  /** An object in the cluster, or a text of manifests and its name for messages. */
  readonly subject: Subject | { readonly text: string; readonly origin: string };
  /** Of the object, and of manifests that name none. */
  readonly namespace: string;
  readonly podroleNamespace: string;
}

export type ExplainResult = { readonly explanations: readonly Explanation[] } | { readonly problem: string };

interface Problem {
  readonly problem: string;
}

/** Throws ApiError when the API server does not answer. */
export async function explain(
  { kubernetes }: { readonly kubernetes: OperatorKubernetes },
  { subject, namespace, podroleNamespace }: ExplainOptions,
): Promise<ExplainResult> {
  const reader = createReader(kubernetes, namespace);
  const inputs = "text" in subject ? await reader.fromText(subject) : await reader.fromCluster(subject);
  if ("problem" in inputs) return inputs;
  const settings = await readExplainSettings(kubernetes, podroleNamespace);
  return { explanations: inputs.map((input) => explainPod(input, settings)) };
}

function createReader(kubernetes: OperatorKubernetes, usual: string) {
  async function fromCluster({ kind, resource, name }: Subject): Promise<readonly ExplainInput[] | Problem> {
    const object = await kubernetes.read<KubernetesObject>(resource, { namespace: usual, name });
    const called = `${kind.toLowerCase()} "${name}"`;
    if (object === undefined) return { problem: `there is no ${called} in namespace "${usual}"` };
    const input = await surrounded({ ...object, kind }, new Map(), new Map());
    return input === undefined ? { problem: `${called} has no pod template` } : [input];
  }

  /** Every object that is or makes a pod. Namespaces and ServiceAccounts of the text take precedence over the cluster's. */
  async function fromText({ text, origin }: { readonly text: string; readonly origin: string }) {
    const manifests = readManifests(text, origin, usual);
    if (!("objects" in manifests)) return { problem: `--filename: ${manifests.join("; ")}` };
    const { objects, namespaces, serviceAccounts } = manifests;
    const inputs: ExplainInput[] = [];
    for (const object of objects) {
      const input = await surrounded(object, namespaces, serviceAccounts);
      if (input) inputs.push(input);
    }
    return inputs.length === 0 ? { problem: "--filename: no object in it is or makes a pod" } : inputs;
  }

  async function surrounded(
    object: KubernetesObject,
    namespaces: ReadonlyMap<string, Namespace>,
    accounts: ReadonlyMap<string, ServiceAccount>,
  ): Promise<ExplainInput | undefined> {
    const template = templateOf(object);
    if (template === undefined) return undefined;
    const { name = object.metadata.generateName ?? "", namespace = usual } = object.metadata;
    const account = serviceAccountOf(template.pod.spec);
    const isPod = object.kind === "Pod";
    return {
      kind: object.kind,
      name,
      pod: isPod ? template.pod : named(template.pod, name),
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
function named(pod: Pod, owner: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, name: `${owner}-xxxxx` } };
}
