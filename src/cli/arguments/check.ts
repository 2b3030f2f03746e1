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
import { addHelp } from "./help.ts";

/** Typed options of podrole check. */
export interface CheckArguments extends InstallationArguments {
  readonly phase: "pre" | "installed";
  readonly pods: PodScope | undefined;
  readonly imdsNamespace: string | undefined;
  /** In milliseconds. */
  readonly waitMs: number;
  /** Ids and sections of checks that are not run. */
  readonly skip: readonly string[];
  readonly isQuiet: boolean;
  readonly json: boolean;
  /** Nothing is checked: the webhook's configuration is printed. */
  readonly isPrinting: boolean;
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
    .option(
      "--skip <checks>",
      'Do not run these checks: ids or sections, separated by commas, such as "PODS_INJECTED" (default: run all)',
    )
    .option("-q, --quiet", "Print only problems, and nothing if there are none")
    .addOption(outputOption())
    .option(
      "--imds <namespace>",
      "Also run a short-lived pod in this namespace that tries to reach the node's instance metadata service (default: run none)",
    )
    .option(
      "--print-webhook",
      "Check nothing: print podrole's MutatingWebhookConfiguration of this version, for kubectl apply -f -",
    );
  declareInstallation(command);
  addHelp(command, {
    examples: [
      ["Can this cluster run podrole?", "podrole check --pre"],
      ["Is podrole healthy, and which pods were not injected?", "podrole check"],
      ["In a pipeline, after an upgrade", "podrole check --wait 2m -o json"],
      ["The same in the middle of a migration", "podrole check --wait 2m --skip PODS_INJECTED"],
      ["In a scheduled job", "podrole check --quiet"],
      ["Register the webhook again", "podrole check --print-webhook | kubectl apply -f -"],
      ["Only the pods of one team", "podrole check --namespace-selector team=shop"],
    ],
    exitCodes: [
      [0, "no check failed; warnings are accepted"],
      [1, "a check failed, or podrole is not installed"],
      [2, "the command line cannot be used, the cluster cannot be reached, or a check could not look"],
    ],
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
  const skip = (flags["skip"] ?? "").split(",").filter(Boolean);
  const json = flags["output"] === "json";
  return reader.finish({
    ...readInstallation(flags),
    phase,
    pods,
    imdsNamespace,
    waitMs,
    skip,
    isQuiet: flags["quiet"] === "true",
    json,
    isPrinting: flags["printWebhook"] === "true",
  });
}
