// The playground: manifests and settings in, decision and injected manifests out, by the webhook's own functions. Pure.
import { explainPod } from "../../src/operations/explain/explanation.ts";
import type { Explanation } from "../../src/operations/explain/model.ts";
import { injectManifests } from "../../src/operations/inject/inject.ts";
import { type KubernetesObject, namespaceOf, parseObjects } from "../../src/operations/manifests/parse-objects.ts";
import { templatesOf } from "../../src/operations/manifests/templates.ts";
import { serviceAccountOf } from "../../src/policy/facts.ts";
import { type Checked, success } from "../../src/runtime/result.ts";
import { flagName, readSettings } from "../../src/runtime/settings.ts";
import { planSettings } from "../../src/settings/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";

/** What the reader wrote. */
export interface PlaygroundInput {
  readonly manifests: string;
  /** Flags of the webhook, one on each line: "--role-base-arn arn:aws:iam::123456789012:role/". */
  readonly settings: string;
}

/** What podrole does with it. */
export interface PlaygroundResult {
  readonly explanations: readonly Explanation[];
  /** The manifests with the injected pods. */
  readonly injected: string;
}

/** Registered for every namespace: the plan says itself which namespaces have no label. */
const WEBHOOK = { name: "pods.podrole.io", clientConfig: {} };

/** Decides about every pod of the manifests; the problems are those of the input, one sentence each. */
export function runPlayground({ manifests, settings: lines }: PlaygroundInput): Checked<PlaygroundResult> {
  const flags = readFlags(lines);
  if (!flags.ok) return flags;
  const read = readSettings(WEBHOOK_SETTINGS, flags.value, {});
  if (!read.ok) return read;
  const settings = planSettings(read.value, {
    trustBundle: "(the bundle of ConfigMap podrole-trust)",
    nativeSidecar: true,
  });
  const injection = injectManifests({ text: manifests, origin: "manifests" }, { settings, permitted: undefined });
  if (!injection.ok) return injection;
  const { objects } = parseObjects(manifests, "manifests");
  const explanations = objects.flatMap((object) => explainObject(object, objects, settings));
  return success({ explanations, injected: injection.value.text });
}

function explainObject(
  object: KubernetesObject,
  all: readonly KubernetesObject[],
  settings: ReturnType<typeof planSettings>,
): readonly Explanation[] {
  const namespaceName = namespaceOf(object);
  const accounts = all.filter((each) => each.kind === "ServiceAccount" && namespaceOf(each) === namespaceName);
  return templatesOf(object).map(({ pod }) =>
    explainPod(
      {
        kind: object.kind,
        name: object.metadata.name ?? "",
        pod,
        exists: false,
        namespaceName,
        namespace: all.find(({ kind, metadata }) => kind === "Namespace" && metadata.name === namespaceName),
        serviceAccount: accounts.find(({ metadata }) => metadata.name === serviceAccountOf(pod.spec)),
      },
      {
        policy: { value: { plan: settings, sessions: settings.policy } },
        webhooks: { value: [WEBHOOK] },
        server: { unknown: "there is no cluster" },
        sources: [],
        assumptions: [],
      },
    ),
  );
}

/** Reads "--flag value" and "--flag=value" lines; "#" begins a comment. */
function readFlags(text: string): Checked<Readonly<Record<string, string>>> {
  const keys = new Map(Object.keys(WEBHOOK_SETTINGS).map((key) => [flagName(key), key]));
  const flags: Record<string, string> = {};
  const problems: string[] = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", value = ""] = /^--([\w-]+)(?:[= ]\s*(.*))?$/.exec(line) ?? [];
    const key = keys.get(name);
    if (key === undefined)
      problems.push(
        `settings: ${JSON.stringify(line)} is not a flag of the webhook, such as "--role-base-arn arn:aws:iam::123456789012:role/"`,
      );
    else flags[key] = value;
  }
  return problems.length > 0 ? { ok: false, problems } : success(flags);
}
