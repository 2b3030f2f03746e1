// Arguments of podrole check.
import type { Command } from "commander";
import type { PodScope } from "../../operations/check/collect/users.ts";
import { duration } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  createFlagReader,
  declareInstallation,
  type InstallationArguments,
  namespaceOption,
  outputOption,
  readInstallation,
} from "./flags.ts";
import { addHelp, clusterExitCodes } from "./help.ts";

/** Typed options of podrole check. */
export interface CheckArguments extends InstallationArguments {
  readonly phase: "pre" | "installed";
  readonly pods: PodScope | undefined;
  readonly imdsNamespace: string | undefined;
  /** In milliseconds. */
  readonly waitMs: number;
  readonly json: boolean;
}

/** Declares the flags of podrole check. */
export function declareCheck(command: Command): void {
  command
    .option("--pre", "Before an installation: check only whether the cluster meets podrole's requirements")
    .addOption(namespaceOption())
    .option("--namespace-selector <selector>", "Only pods of namespaces with these labels (default: all namespaces)")
    .option(
      "--wait <duration>",
      'Repeat the checks until none fails, for at most this time, such as "2m" (default: check once)',
    )
    .addOption(outputOption())
    .option(
      "--imds <namespace>",
      "Also run a short-lived pod in this namespace that tries to reach the node's instance metadata service (default: run none)",
    );
  declareInstallation(command);
  addHelp(command, {
    examples: [
      ["Can this cluster run podrole?", "podrole check --pre"],
      ["Is podrole healthy, and which pods were not injected?", "podrole check"],
      ["In a pipeline, after an upgrade", "podrole check --wait 2m -o json"],
      ["Only the pods of one team", "podrole check --namespace-selector team=shop"],
    ],
    exitCodes: clusterExitCodes("no check failed; warnings are accepted", "a check failed"),
    docs: "docs/checks.md describes every check, and what to do if it fails",
  });
}

/** The flags as typed options, or every problem. */
export function readCheck(flags: Flags): Arguments<CheckArguments> {
  const reader = createFlagReader(flags);
  const waitMs = reader.read("wait", duration) ?? 0;
  const { namespace, namespaceSelector, imds: imdsNamespace } = flags;
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
    ...readInstallation(flags),
    phase,
    pods,
    imdsNamespace,
    waitMs,
    json,
  });
}
