// Arguments of podrole explain: an object as kubectl names it ("pod/orders", or "pod orders"), or a file of manifests.
import type { Command } from "commander";
import type { ExplainedObject } from "../../operations/explain/explain.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  createFlagReader,
  declareInstallation,
  type InstallationArguments,
  outputOption,
  readInstallation,
} from "./flags.ts";
import { addHelp } from "./help.ts";

/** Typed options of podrole explain. */
export interface ExplainArguments extends InstallationArguments {
  readonly namespace: string | undefined;
  /** An object in the cluster, or a file ("-" for standard input). */
  readonly subject: ExplainedObject | { readonly filename: string };
  readonly json: boolean;
}

/** Declares the object and the flags of podrole explain. */
export function declareExplain(command: Command): void {
  command
    .usage("<kind/name> [options]\n       podrole explain -f <file> [options]")
    .argument("[kind/name]", `The object; KIND is ${EXPLAINED_KINDS.map(({ names }) => names[0]).join(", ")}`)
    // As kubectl does, the command also accepts the name as an argument of its own.
    .argument("[name]")
    .option(
      "-n, --namespace <namespace>",
      "Namespace of the object (default: the namespace of the kubeconfig's context)",
    )
    .option(
      "-f, --filename <file>",
      'Explain the manifests in this file instead of an object of the cluster, with the settings of the cluster; "-" is standard input (default: none)',
    )
    .addOption(outputOption());
  declareInstallation(command);
  addHelp(command, {
    examples: [
      ["Why does this pod have no role?", "podrole explain pod/orders-7d9f -n shop"],
      ["Would the pods of a Deployment be injected?", "podrole explain deployment/orders -n shop"],
      [
        "Try a manifest before it is applied",
        "kubectl create deployment web --image=web:1 --dry-run=client -o yaml |\n  podrole explain -f -",
      ],
    ],
    exitCodes: [
      [0, "every pod would be injected now; each existing pod has been injected, and its sidecar is ready"],
      [1, "at least one pod would not be injected now, has not been injected, or has a sidecar that is not ready"],
      [
        2,
        "the command line cannot be used, the cluster cannot be reached, or you have no permission to read podrole's settings",
      ],
    ],
    docs: "docs/troubleshoot.md says what to do about what you see; docs/errors.md describes each code",
    next: "podrole check finds the pods of the cluster that should have been injected",
  });
}

/** The arguments as typed options, or every problem. */
export function readExplain(flags: Flags, args: readonly string[]): Arguments<ExplainArguments> {
  const { namespace, filename } = flags;
  const reader = createFlagReader(flags);
  const subject = readExplainedObject(args, filename);
  if (typeof subject === "string") return { ok: false, problems: [subject] };
  const json = flags["output"] === "json";
  return reader.finish({ ...readInstallation(flags), namespace, subject, json });
}

/** What to explain, or the problem when the command line does not name exactly one object or file. */
function readExplainedObject(
  args: readonly string[],
  filename: string | undefined,
): ExplainedObject | { readonly filename: string } | string {
  if ((args.length === 0) === (filename === undefined)) {
    return "expected exactly one of KIND/NAME and --filename FILE";
  }
  if (filename !== undefined) return { filename };
  const [first = "", second, ...more] = args;
  const isOne = more.length === 0 && !(first.includes("/") && second !== undefined);
  if (!isOne) return `${JSON.stringify(more[0] ?? second)} is one argument too many; expected one object`;
  return explainedObjectOf(second === undefined ? first : `${first}/${second}`);
}

interface ExplainedKind {
  readonly kind: string;
  readonly resource: ExplainedObject["resource"];
  /** Names that kubectl accepts for it. */
  readonly names: readonly string[];
}

const EXPLAINED_KINDS: readonly ExplainedKind[] = [
  { kind: "Pod", resource: "pods", names: ["pod", "pods", "po"] },
  { kind: "Deployment", resource: "deployments", names: ["deployment", "deployments", "deploy"] },
  { kind: "StatefulSet", resource: "statefulsets", names: ["statefulset", "statefulsets", "sts"] },
  { kind: "DaemonSet", resource: "daemonsets", names: ["daemonset", "daemonsets", "ds"] },
  { kind: "ReplicaSet", resource: "replicasets", names: ["replicaset", "replicasets", "rs"] },
  { kind: "Job", resource: "jobs", names: ["job", "jobs"] },
  { kind: "CronJob", resource: "cronjobs", names: ["cronjob", "cronjobs", "cj"] },
];

/** Reads "kind/name"; returns the problem for anything else. */
function explainedObjectOf(text: string): ExplainedObject | string {
  const [given = "", name = "", ...more] = text.split("/");
  const found = EXPLAINED_KINDS.find(({ names }) => names.includes(given.toLowerCase()));
  if (found === undefined || name === "" || more.length > 0) {
    const kinds = EXPLAINED_KINDS.map(({ names }) => names[0]).join(", ");
    return `${JSON.stringify(text)} is not KIND/NAME with one of the kinds ${kinds}`;
  }
  return { kind: found.kind, resource: found.resource, name };
}
