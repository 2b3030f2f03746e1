// podrole explain: would this pod be injected, which role has each container, under which session name, and why not. Asks
// the cluster for surroundings and settings, decides by itself with the webhook's functions. Exit codes: 0 it is injected
// or would be, 1 not, 2 the command line is wrong or the cluster cannot be reached.
import { readFile } from "node:fs/promises";
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { openCluster } from "../../cli/cluster.ts";
import type { KubernetesObject } from "../manifests/objects.ts";
import { templateOf } from "../manifests/templates.ts";
import type { Action, Terminal } from "../../cli/terminal.ts";
import { type ExplainInput, type Explanation, type ExplainSettings, explain as explainPod } from "./explanation.ts";
import { explanationText } from "./report.ts";
import { readExplainSettings } from "./settings.ts";
import { readManifests, readSubject, type Subject } from "./subject.ts";

/** What `explain` was asked, and cannot do: for people. */
class Unusable extends Error {
  override readonly name = "Unusable";
}

interface Asked {
  readonly kubernetes: OperatorKubernetes;
  readonly namespace: string;
}

export const explain: Action = async (terminal, flags, words) => {
  try {
    const subject = subjectOf(words, flags["filename"]);
    const text = subject === undefined ? await readInput(terminal, flags["filename"] ?? "") : "";
    const kubernetes = openCluster(terminal, flags);
    try {
      const asked = { kubernetes, namespace: flags["namespace"] ?? kubernetes.contextNamespace };
      const inputs =
        subject === undefined ? await fromText(text, originOf(flags), asked) : [await fromCluster(subject, asked)];
      const settings = await readExplainSettings(kubernetes, flags["podroleNamespace"] ?? "podrole");
      return tell(terminal, inputs, settings, flags["output"] === "json");
    } finally {
      await kubernetes.close();
    }
  } catch (error) {
    if (!(error instanceof Unusable || error instanceof PodroleError)) throw error;
    terminal.err(`podrole explain: ${error.message}\n`);
    return 2;
  }
};

function tell({ out }: Terminal, inputs: readonly ExplainInput[], settings: ExplainSettings, json: boolean): number {
  const explanations: readonly Explanation[] = inputs.map((input) => explainPod(input, settings));
  out(json ? `${JSON.stringify(explanations, undefined, 2)}\n` : explanations.map(explanationText).join("\n"));
  return explanations.every(({ injected }) => injected) ? 0 : 1;
}

/** Throws Unusable unless exactly one of KIND/NAME and --filename says what it is about. */
function subjectOf([word, ...more]: readonly string[], filename: string | undefined): Subject | undefined {
  if (more.length > 0) throw new Unusable(`one KIND/NAME at a time, ${JSON.stringify(more[0])} is another`);
  if ((word === undefined) === (filename === undefined))
    throw new Unusable("give KIND/NAME or --filename, one of them");
  if (word === undefined) return undefined;
  const subject = readSubject(word);
  if (typeof subject === "string") throw new Unusable(subject);
  return subject;
}

async function fromCluster({ kind, resource, name }: Subject, { kubernetes, namespace }: Asked): Promise<ExplainInput> {
  const object = await kubernetes.read<KubernetesObject>(resource, { namespace, name });
  if (object === undefined)
    throw new Unusable(`there is no ${kind.toLowerCase()} "${name}" in namespace "${namespace}"`);
  const input = await surrounded({ ...object, kind }, { kubernetes, namespace }, new Map(), new Map());
  if (input === undefined) throw new Unusable(`${kind.toLowerCase()} "${name}" has no pod template`);
  return input;
}

function originOf({ filename = "" }: Readonly<Record<string, string>>): string {
  return filename === "-" ? "standard input" : filename;
}

/** Every object of the text that is or makes a pod; namespaces and ServiceAccounts in it go before the cluster's. */
async function fromText(text: string, origin: string, asked: Asked): Promise<readonly ExplainInput[]> {
  const manifests = readManifests(text, origin, asked.namespace);
  if (!("objects" in manifests)) throw new Unusable(`--filename: ${manifests.join("; ")}`);
  const { objects, namespaces, serviceAccounts } = manifests;
  const inputs: ExplainInput[] = [];
  for (const object of objects) {
    const input = await surrounded(object, asked, namespaces, serviceAccounts);
    if (input) inputs.push(input);
  }
  if (inputs.length === 0) throw new Unusable("--filename: it has no object that is or makes a pod");
  return inputs;
}

async function surrounded(
  object: KubernetesObject,
  { kubernetes, namespace: usual }: Asked,
  namespaces: ReadonlyMap<string, Namespace>,
  accounts: ReadonlyMap<string, ServiceAccount>,
): Promise<ExplainInput | undefined> {
  const template = templateOf(object);
  if (template === undefined) return undefined;
  const { name = object.metadata.generateName ?? "", namespace = usual } = object.metadata;
  const account = template.pod.spec?.serviceAccountName || "default";
  const isPod = object.kind === "Pod";
  return {
    kind: object.kind,
    name,
    pod: isPod ? template.pod : named(template.pod, name),
    exists: isPod && object.metadata.uid !== undefined,
    namespaceName: namespace,
    namespace: namespaces.get(namespace) ?? (await kubernetes.getNamespace(namespace)),
    serviceAccount: accounts.get(`${namespace}/${account}`) ?? (await kubernetes.getServiceAccount(namespace, account)),
  };
}

/** Controllers append to their own name; what they append is not known yet. */
function named(pod: Pod, owner: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, name: `${owner}-xxxxx` } };
}

async function readInput({ readStdin }: Terminal, filename: string): Promise<string> {
  if (filename === "-") return readStdin();
  try {
    return await readFile(filename, "utf8");
  } catch {
    throw new Unusable(`--filename: ${filename} cannot be read`);
  }
}
