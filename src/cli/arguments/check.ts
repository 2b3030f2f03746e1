// Arguments of podrole check.
import { type Command, Option } from "commander";
import type { PodScope } from "../../operations/check/collect.ts";
import { duration } from "../../runtime/settings.ts";
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

export interface CheckArguments {
  readonly connection: Connection;
  readonly podroleNamespace: string | undefined;
  readonly phase: "pre" | "installed";
  readonly pods: PodScope | undefined;
  readonly imdsNamespace: string | undefined;
  /** In milliseconds. */
  readonly waitMs: number;
  readonly json: boolean;
}

const PODS = "Pods to check:";

export function declareCheck(command: Command): void {
  command
    .option("--pre", "before an installation: check only what podrole needs")
    .option("--wait <duration>", 'repeat until nothing fails, at most this long ("2m")')
    .option(
      "--imds <namespace>",
      "also run a short pod in this namespace that tries to reach the node's instance metadata",
    )
    .addOption(outputOption())
    .addOption(new Option("-n, --namespace <namespace>", "only pods of this namespace (default: all)").helpGroup(PODS))
    .addOption(
      new Option("--namespace-selector <selector>", "only pods of namespaces with these labels").helpGroup(PODS),
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing failed, 1 a check failed, 2 usage, or the cluster cannot be reached.",
    );
  declareConnection(declarePodroleNamespace(command));
}

export function readCheck(flags: Flags): Arguments<CheckArguments> {
  const reader = createFlagReader(flags);
  const waitMs = reader.read("wait", duration) ?? 0;
  const { namespace, namespaceSelector, podroleNamespace, imds: imdsNamespace } = flags;
  const phase = flags["pre"] === "true" ? "pre" : "installed";
  if (namespace !== undefined && namespaceSelector !== undefined) {
    reader.refuse("--namespace and --namespace-selector exclude each other");
  }
  if (namespace !== undefined && phase === "pre") {
    reader.refuse("--namespace: --pre checks no pods (--podrole-namespace names the namespace to install podrole in)");
  }
  const pods =
    namespace !== undefined ? { namespace } : namespaceSelector !== undefined ? { namespaceSelector } : undefined;
  const json = flags["output"] === "json";
  return reader.finish({
    connection: readConnection(flags),
    podroleNamespace,
    phase,
    pods,
    imdsNamespace,
    waitMs,
    json,
  });
}
