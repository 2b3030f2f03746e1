// podrole inject: what the webhook would do to the pods of manifests, done by the same plan(). Everything else of the
// manifests goes through as it is. Namespaces and ServiceAccounts in the same input bring their labels and annotations;
// for others the command line says what is permitted.
import { readFile } from "node:fs/promises";
import type { ObjectMeta } from "../../kubernetes/objects.ts";
import { readCertificates } from "../../pki/bundle.ts";
import { ANNOTATIONS, LABELS } from "../../policy/annotations.ts";
import { readSettings } from "../../runtime/settings.ts";
import { findShapeProblem } from "../../injection/shape.ts";
import { type Plan, type PlanInput, type PlanSettings, plan } from "../../injection/plan.ts";
import { planSettings } from "../../webhook/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../../webhook/settings.ts";
import { uninject as removeFrom } from "../../injection/uninject.ts";
import { editManifests, type PodMaker } from "../manifests/manifests.ts";
import { type KubernetesObject, parseObjects } from "../manifests/objects.ts";
import type { Action, Terminal } from "../../cli/terminal.ts";
import { visible } from "../../cli/output/visible.ts";

type Flags = Readonly<Record<string, string>>;

export const inject: Action = async (terminal, flags) => {
  const input = await readInput(terminal, flags, "inject");
  const trustBundle = await readText(flags["trustBundle"] ?? "");
  if (typeof input === "number") return input;
  if (trustBundle === undefined)
    return fail(terminal, "inject", [`--trust-bundle: ${flags["trustBundle"]} cannot be read`]);
  // Pods would take any text along, and only their sidecars would find out.
  if (readCertificates(trustBundle).length === 0)
    return fail(terminal, "inject", [`--trust-bundle: ${flags["trustBundle"]} is not one or more certificates in PEM`]);
  const nativeSidecar = input.settings.nativeSidecar !== "false";
  const settings = planSettings(input.settings, { trustBundle, nativeSidecar });
  return injectAll(terminal, input, settings, flags["permitted"]);
};

/** The other way: what injection added is taken out again, and nothing else. */
export const uninject: Action = async (terminal, flags) => {
  const input = await readInput(terminal, flags, "uninject");
  if (typeof input === "number") return input;
  const { region } = input.settings;
  const text = editManifests(input.text, ({ kind, name, pod }) => {
    const problem = findShapeProblem(pod);
    const before = problem === undefined ? removeFrom(pod, { region }) : pod;
    const what = before === pod ? (problem ?? "is not injected") : "podrole is taken out";
    terminal.err(`${visible(`${kind}/${name}`)}: ${what}\n`);
    return before;
  });
  terminal.out(text);
  return 0;
};

interface Input {
  readonly text: string;
  readonly objects: readonly KubernetesObject[];
  readonly settings: (ReturnType<typeof readSettings<typeof WEBHOOK_SETTINGS>> & { ok: true })["settings"];
}

/** The manifests and the webhook's settings; the exit code when they cannot be used. */
async function readInput(terminal: Terminal, { filename = "" }: Flags, command: string): Promise<Input | number> {
  const read = readSettings(WEBHOOK_SETTINGS, {}, terminal.env);
  if (!read.ok) return fail(terminal, command, read.problems);
  const text = filename === "-" ? await terminal.readStdin() : await readText(filename);
  if (text === undefined) return fail(terminal, command, [`--filename: ${filename} cannot be read`]);
  const { objects, problems } = parseObjects(text, filename === "-" ? "standard input" : filename);
  if (problems.length > 0) return fail(terminal, command, problems);
  if (objects.length === 0) return fail(terminal, command, [`--filename: ${filename} has no object of Kubernetes`]);
  return { text, objects, settings: read.settings };
}

function injectAll(
  terminal: Terminal,
  { text, objects }: Input,
  settings: PlanSettings,
  permitted: string | undefined,
): number {
  const around = surroundings(objects, permitted);
  let refused = 0;
  const result = editManifests(text, (maker) => {
    const planned = plan({ pod: maker.pod, ...around(maker) }, settings);
    report(terminal, maker, planned);
    if (planned.decision === "refuse") refused += 1;
    return planned.pod;
  });
  terminal.out(result);
  return refused === 0 ? 0 : 1;
}

/** A namespace that is not in the input counts as labelled: whoever runs this command wants injection. */
function surroundings(objects: readonly KubernetesObject[], permitted: string | undefined) {
  const metadataOf = (kind: string, name: string, namespace?: string): ObjectMeta | undefined =>
    objects.find(
      ({ kind: own, metadata }) =>
        own === kind &&
        metadata.name === name &&
        (namespace === undefined || (metadata.namespace ?? "default") === namespace),
    )?.metadata;
  return ({ namespace: name, pod }: PodMaker): Omit<PlanInput, "pod"> => {
    const known = metadataOf("Namespace", name);
    const labels = known ? (known.labels ?? {}) : { [LABELS.inject]: "enabled" };
    const granted = permitted !== undefined && { [ANNOTATIONS.permitted]: permitted };
    const account = metadataOf("ServiceAccount", accountOf(pod), name);
    return {
      namespace: { name, labels, annotations: { ...known?.annotations, ...granted } },
      serviceAccountAnnotations: account?.annotations ?? {},
    };
  };
}

/** plan() is asked about pods of any shape; their account only matters when they have one. */
function accountOf({ spec }: PodMaker["pod"]): string {
  const named: unknown = spec?.serviceAccountName;
  return typeof named === "string" && named !== "" ? named : "default";
}

function report({ err }: Terminal, { kind, name }: PodMaker, { decision, reason, message, warnings }: Plan): void {
  err(`${visible(`${kind}/${name}: ${decision} (${reason}) ${message}`)}\n`);
  for (const { text } of warnings) err(`  warning: ${visible(text)}\n`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

function fail({ err }: Terminal, command: string, problems: readonly string[]): number {
  for (const problem of problems) err(`podrole ${command}: ${problem}\n`);
  return 2;
}
