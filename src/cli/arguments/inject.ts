// Arguments of podrole inject and podrole uninject. Both take the webhook's settings from the environment.
import type { Command } from "commander";
import { success } from "../../runtime/result.ts";
import { readSettings } from "../../runtime/settings.ts";
import { WEBHOOK_SETTINGS, type WebhookSettings } from "../../settings/webhook.ts";
import type { Flags, Terminal } from "../terminal.ts";
import type { Arguments } from "./flags.ts";
import { addHelp, inputExitCodes } from "./help.ts";

/** Typed options of podrole uninject. */
export interface UninjectArguments {
  /** "-" for standard input. */
  readonly filename: string;
  readonly settings: WebhookSettings;
}

/** Typed options of podrole inject. */
export interface InjectArguments extends UninjectArguments {
  /** File with the trust bundle. */
  readonly trustBundle: string;
  readonly permitted: string | undefined;
  /** True if a role annotation without a known pod template is a failure. */
  readonly strict: boolean;
}

const INJECT_SETTINGS_NOTE = "Reads the settings of `podrole webhook` from the environment (PODROLE_…).";

/** Declares the flags of podrole inject. */
export function declareInject(command: Command): void {
  declareFilename(command)
    .requiredOption("--trust-bundle <file>", "File with the trust bundle (ConfigMap podrole-trust, key bundle.pem)")
    .option(
      "--permitted <expression>",
      "Use this value as iam.amazonaws.com/permitted of every namespace, in place of the annotation in the manifests (default: the manifests' annotation)",
    )
    .option(
      "--strict",
      "Exit with code 1 if a role annotation is in no pod template that podrole knows (default: a warning)",
    );
  addHelp(command, {
    notes: [INJECT_SETTINGS_NOTE],
    examples: [
      [
        "Inject the manifests of a pipeline",
        "helm template shop | podrole inject -f - --trust-bundle bundle.pem |\n  kubectl apply -f -",
      ],
      [
        "Get the trust bundle",
        "kubectl -n podrole get configmap podrole-trust \\\n  -o 'jsonpath={.data.bundle\\.pem}' > bundle.pem",
      ],
    ],
    exitCodes: inputExitCodes(
      "done",
      "at least one pod is refused, and stays unchanged; or, with --strict, a role annotation is in no pod template that podrole knows",
    ),
    docs: "docs/migrate.md describes injection without the webhook",
  });
}

/** Declares the flags of podrole uninject. */
export function declareUninject(command: Command): void {
  declareFilename(command);
  addHelp(command, {
    notes: [
      INJECT_SETTINGS_NOTE,
      "Set PODROLE_REGION and PODROLE_SIDECAR_PULL_SECRETS as for `podrole inject`, so that the command distinguishes an AWS_REGION and pull secrets that were injected from those that the pod's author set.",
    ],
    examples: [["Remove podrole from exported manifests", "podrole uninject -f shop.yaml > plain.yaml"]],
    exitCodes: inputExitCodes("done"),
    docs: "docs/migrate.md describes injection without the webhook",
  });
}

function declareFilename(command: Command): Command {
  return command.requiredOption("-f, --filename <file>", 'Manifest file; "-" is standard input');
}

/** The flags and the webhook's settings, or every problem. */
export function readUninject({ filename = "" }: Flags, env: Terminal["env"]): Arguments<UninjectArguments> {
  const read = readSettings(WEBHOOK_SETTINGS, {}, env);
  return read.ok ? success({ filename, settings: read.value }) : read;
}

/** As readUninject(), with what only injection needs. */
export function readInject(flags: Flags, env: Terminal["env"]): Arguments<InjectArguments> {
  const read = readUninject(flags, env);
  if (!read.ok) return read;
  const { trustBundle = "", permitted, strict } = flags;
  return success({ ...read.value, trustBundle, permitted, strict: strict === "true" });
}
