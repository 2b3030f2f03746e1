// Arguments of podrole explain: an object as kubectl names it ("pod/orders", "deploy web"), or a file of manifests.
import type { Command } from "commander";
import type { Subject } from "../../operations/explain/explain.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  type Connection,
  createFlagReader,
  declareConnection,
  declarePodroleNamespace,
  outputOption,
  readConnection,
} from "./flags.ts";

export interface ExplainArguments {
  readonly connection: Connection;
  readonly podroleNamespace: string | undefined;
  readonly namespace: string | undefined;
  /** An object in the cluster, or a file ("-" for standard input). */
  readonly subject: Subject | { readonly filename: string };
  readonly json: boolean;
}

const ABOUT = `
Examples:
  podrole explain pod orders-7d9f -n shop
  podrole explain deployment/orders -n shop
  kubectl create deployment web --image=web:1 --dry-run=client -o yaml |
    podrole explain -f -

Exit codes: 0 every pod is or would be injected, 1 at least one pod is not or
would not be, 2 invalid command line, or the cluster cannot be reached.`;

export function declareExplain(command: Command): void {
  command
    .argument(
      "[kind]",
      "kind of the object, or KIND/NAME: pod, deployment, statefulset, daemonset, replicaset, job, cronjob",
    )
    .argument("[name]", "name of the object")
    .option(
      "-n, --namespace <namespace>",
      "namespace of the object (default: the namespace of the kubeconfig's context)",
    )
    .option(
      "-f, --filename <file>",
      'explain the manifests in this file instead of an object of the cluster, with the settings of the cluster; "-" is standard input',
    )
    .addOption(outputOption())
    .addHelpText("after", ABOUT);
  declareConnection(declarePodroleNamespace(command));
}

export function readExplain(flags: Flags, args: readonly string[]): Arguments<ExplainArguments> {
  const { namespace, filename, podroleNamespace } = flags;
  const reader = createFlagReader(flags);
  const subject = subjectOf(args, filename);
  if (typeof subject === "string") return { ok: false, problems: [subject] };
  const json = flags["output"] === "json";
  return reader.finish({ connection: readConnection(flags), podroleNamespace, namespace, subject, json });
}

/** What to explain, or the problem when the command line does not name exactly one object or file. */
function subjectOf(
  args: readonly string[],
  filename: string | undefined,
): Subject | { readonly filename: string } | string {
  if ((args.length === 0) === (filename === undefined)) {
    return "expected exactly one of KIND NAME, KIND/NAME and --filename FILE";
  }
  if (filename !== undefined) return { filename };
  const [first = "", second, ...more] = args;
  const isOne = more.length === 0 && !(first.includes("/") && second !== undefined);
  if (!isOne) return `${JSON.stringify(more[0] ?? second)} is one argument too many; expected one object`;
  return objectOf(second === undefined ? first : `${first}/${second}`);
}

interface Kind {
  readonly kind: string;
  readonly resource: Subject["resource"];
  /** Names that kubectl accepts for it. */
  readonly names: readonly string[];
}

const KINDS: readonly Kind[] = [
  { kind: "Pod", resource: "pods", names: ["pod", "pods", "po"] },
  { kind: "Deployment", resource: "deployments", names: ["deployment", "deployments", "deploy"] },
  { kind: "StatefulSet", resource: "statefulsets", names: ["statefulset", "statefulsets", "sts"] },
  { kind: "DaemonSet", resource: "daemonsets", names: ["daemonset", "daemonsets", "ds"] },
  { kind: "ReplicaSet", resource: "replicasets", names: ["replicaset", "replicasets", "rs"] },
  { kind: "Job", resource: "jobs", names: ["job", "jobs"] },
  { kind: "CronJob", resource: "cronjobs", names: ["cronjob", "cronjobs", "cj"] },
];

/** Reads "kind/name"; returns the problem for anything else. */
function objectOf(text: string): Subject | string {
  const [given = "", name = "", ...more] = text.split("/");
  const found = KINDS.find(({ names }) => names.includes(given.toLowerCase()));
  if (found === undefined || name === "" || more.length > 0) {
    const kinds = KINDS.map(({ names }) => names[0]).join(", ");
    return `${JSON.stringify(text)} is not KIND/NAME with one of the kinds ${kinds}`;
  }
  return { kind: found.kind, resource: found.resource, name };
}
