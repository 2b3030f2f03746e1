// Arguments of podrole status: what to show, of which pods, and how.
import { Argument, type Command, Option } from "commander";
import type { StatusTopic } from "../../operations/status/model.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  createFlagReader,
  declareInstallation,
  type InstallationArguments,
  readInstallation,
} from "./flags.ts";
import { addHelp, clusterExitCodes } from "./help.ts";

const STATUS_TOPICS = ["pods", "roles", "refusals", "trust"] as const satisfies readonly StatusTopic[];
const STATUS_FORMATS = ["text", "wide", "json", "yaml", "name"] as const;

/** Typed options of podrole status. */
export interface StatusArguments extends InstallationArguments {
  readonly topic: StatusTopic;
  /** Undefined: that of the kubeconfig's context, unless `allNamespaces`. */
  readonly namespace: string | undefined;
  readonly allNamespaces: boolean;
  readonly labelSelector: string | undefined;
  readonly output: (typeof STATUS_FORMATS)[number];
  readonly isWatching: boolean;
}

/** Declares the topic and the flags of podrole status. */
export function declareStatus(command: Command): void {
  command
    .addArgument(new Argument("[topic]", `${STATUS_TOPICS.join(", ")} (default: pods)`).choices([...STATUS_TOPICS]))
    .option("-n, --namespace <namespace>", "Namespace of the pods (default: the namespace of the kubeconfig's context)")
    .option("-A, --all-namespaces", "Show the pods of all namespaces")
    .option("-l, --selector <selector>", 'Only pods with these labels, such as "app=orders" (default: all pods)')
    .addOption(
      new Option("-o, --output <format>", `${STATUS_FORMATS.join(", ")} (default: ${STATUS_FORMATS[0]})`).choices([
        ...STATUS_FORMATS,
      ]),
    )
    .addOption(
      new Option(
        "-w, --watch",
        "Read again until interrupted, every 2 s or, in a large cluster, more slowly: a terminal shows the table again, and other output gets each row that changes",
      ),
    );
  declareInstallation(command);
  addHelp(command, {
    notes: [
      "Shows which role each container holds, until when, and the last code; with roles, what uses each role; with refusals, what podrole refused, without what its admission policy or a quota refuses; with trust, the CAs, how long each has been in its slot, and who trusts them. What you may not read is marked as unknown, with the permission that it needs.",
    ],
    examples: [
      ["Which pods of this namespace have credentials, and of which role?", "podrole status"],
      ["The whole cluster, with nodes and ages", "podrole status -A -o wide"],
      ["Which role is used where, and what was refused?", "podrole status roles -A\npodrole status refusals -A"],
      ["Watch a rollout", "podrole status -n shop -l app=orders --watch"],
      [
        "The pods that are not ready, for a script",
        "podrole status -A -o json | jq '.pods[] | select(.phase != \"ready\")'",
      ],
    ],
    exitCodes: clusterExitCodes(
      "the rows are complete as far as the cluster knows, and each pod has what it needs",
      "a pod is not injected, its sidecar is not ready, or its credentials have expired; or podrole is not installed",
    ).map(([code, meaning]) => [code, code === 2 ? `${meaning} or the rows may not be read` : meaning] as const),
    docs: "docs/operate.md describes the columns, and the permissions that each part needs",
  });
}

/** The arguments as typed options, or every problem. */
export function readStatusArguments(flags: Flags, [topic]: readonly string[]): Arguments<StatusArguments> {
  const reader = createFlagReader(flags);
  const { namespace, selector: labelSelector } = flags;
  const output = (flags["output"] ?? "text") as StatusArguments["output"];
  const [allNamespaces, isWatching] = [flags["allNamespaces"] === "true", flags["watch"] === "true"];
  if (namespace !== undefined && allNamespaces) reader.refuse("--namespace and --all-namespaces exclude each other");
  if (isWatching && output !== "text" && output !== "wide") {
    reader.refuse(`--watch: ${output} cannot be written row by row; expected -o text or -o wide`);
  }
  if (topic === "trust" && (namespace !== undefined || labelSelector !== undefined)) {
    reader.refuse("--namespace and --selector select pods; expected neither with trust");
  }
  return reader.finish({
    ...readInstallation(flags),
    topic: (topic ?? "pods") as StatusTopic,
    namespace,
    allNamespaces,
    labelSelector,
    output,
    isWatching,
  });
}
