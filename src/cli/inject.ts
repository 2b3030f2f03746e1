// podrole inject: what the webhook would do to the pods of manifests, done by the same plan(). Everything else of the
// manifests goes through as it is. Namespaces in the same input bring their labels and annotations; for others the
// command line says what is permitted.
import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import type { Namespace, Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS, LABELS } from "../policy/annotations.ts";
import { readSettings } from "../runtime/settings.ts";
import { type Plan, type PlanSettings, plan } from "../webhook/plan.ts";
import { planSettings } from "../webhook/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../webhook/settings.ts";
import type { Action } from "./program.ts";
import type { Terminal } from "./terminal.ts";

export const inject: Action = async (terminal, flags) => {
  const read = readSettings(WEBHOOK_SETTINGS, {}, terminal.env);
  if (!read.ok) return fail(terminal, 2, read.problems);
  const text = flags["filename"] === "-" ? await terminal.readStdin() : await readText(flags["filename"] ?? "");
  const trustBundle = await readText(flags["trustBundle"] ?? "");
  if (text === undefined) return fail(terminal, 2, [`--filename: ${flags["filename"]} cannot be read`]);
  if (trustBundle === undefined) return fail(terminal, 2, [`--trust-bundle: ${flags["trustBundle"]} cannot be read`]);
  const settings = planSettings(read.settings, { trustBundle, nativeSidecar: read.settings.nativeSidecar !== "false" });
  return injectAll(terminal, text, settings, flags["permitted"]);
};

function injectAll(terminal: Terminal, text: string, settings: PlanSettings, permitted: string | undefined): number {
  const documents = parseAllDocuments(text);
  const broken = documents.flatMap(({ errors }) => errors.map(({ message }) => message));
  if (broken.length > 0) return fail(terminal, 2, broken);
  const objects = documents.map((document) => document.toJS() as Manifest | null);
  const namespaces = new Map(
    objects.flatMap((object) =>
      object?.kind === "Namespace" ? [[object.metadata?.name ?? "", object as Namespace]] : [],
    ),
  );
  let refused = 0;
  const results = documents.map((document, index) => {
    const object = objects[index];
    const template = object && podOf(object);
    if (!object || !template) return document.toString();
    const around = surroundings(object.metadata?.namespace ?? "default", namespaces, permitted);
    const planned = plan({ pod: template.pod, ...around }, settings);
    report(terminal, object, planned);
    if (planned.decision === "refuse") refused += 1;
    if (planned.decision === "inject")
      document.setIn(
        template.path,
        document.createNode(template.unwrap(planned.pod), { aliasDuplicateObjects: false }),
      );
    return document.toString();
  });
  terminal.out(results.join("---\n").replaceAll("---\n---\n", "---\n"));
  return refused === 0 ? 0 : 1;
}

interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
}

interface Template {
  readonly pod: Pod;
  readonly path: readonly string[];
  readonly unwrap: (pod: Pod) => unknown;
}

/** Where each kind keeps its pods. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

function podOf(object: Manifest): Template | undefined {
  if (object.kind === "Pod") return { pod: object as Pod, path: [], unwrap: (pod) => pod };
  const path = TEMPLATES[object.kind ?? ""];
  if (path === undefined) return undefined;
  const found = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object) as
    | Pod
    | undefined;
  if (found?.spec === undefined) return undefined;
  return {
    pod: { ...found, metadata: found.metadata ?? {} },
    path,
    unwrap: ({ metadata, spec }) => ({ metadata, spec }),
  };
}

/** A namespace that is not in the input counts as labelled: whoever runs this command wants injection. */
function surroundings(name: string, namespaces: ReadonlyMap<string, Namespace>, permitted: string | undefined) {
  const known = namespaces.get(name)?.metadata;
  const labels = known ? (known.labels ?? {}) : { [LABELS.inject]: "enabled" };
  const annotations = { ...known?.annotations, ...(permitted !== undefined && { [ANNOTATIONS.permitted]: permitted }) };
  return { namespace: { name, labels, annotations }, serviceAccountAnnotations: {} };
}

function report({ err }: Terminal, { kind, metadata }: Manifest, { decision, reason, message, warnings }: Plan): void {
  err(`${kind}/${metadata?.name ?? ""}: ${decision} (${reason}) ${message}\n`);
  for (const warning of warnings) err(`  warning: ${warning}\n`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

function fail({ err }: Terminal, exitCode: number, problems: readonly string[]): number {
  for (const problem of problems) err(`podrole inject: ${problem}\n`);
  return exitCode;
}
