// Arguments of podrole check.
import { type Command, Option } from "commander";
import type { PodScope } from "../../operations/check/collect/collect.ts";
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
    .option("--pre", "check, before an installation, only what podrole needs")
    .option(
      "--wait <duration>",
      'repeat the checks until none fails, for at most this time, such as "2m" (default: check once)',
    )
    .option(
      "--imds <namespace>",
      "also run a short-lived pod in this namespace that tries to reach the node's instance metadata service",
    )
    .addOption(outputOption())
    .addOption(
      new Option("-n, --namespace <namespace>", "only pods of this namespace (default: all namespaces)").helpGroup(
        PODS,
      ),
    )
    .addOption(
      new Option(
        "--namespace-selector <selector>",
        "only pods of namespaces with these labels (default: all namespaces)",
      ).helpGroup(PODS),
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 no check failed, 1 a check failed, 2 invalid command line, or the\ncluster cannot be reached.",
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
