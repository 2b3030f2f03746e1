// Arguments of podrole inject and podrole uninject. Both take the webhook's settings from the environment.
import type { Command } from "commander";
import { readSettings } from "../../runtime/settings.ts";
import { WEBHOOK_SETTINGS, type WebhookSettings } from "../../settings/webhook.ts";
import type { Flags, Terminal } from "../terminal.ts";
import type { Arguments } from "./flags.ts";

export interface UninjectArguments {
  /** "-" for standard input. */
  readonly filename: string;
  readonly settings: WebhookSettings;
}

export interface InjectArguments extends UninjectArguments {
  /** File with the trust bundle. */
  readonly trustBundle: string;
  readonly permitted: string | undefined;
}

export function declareInject(command: Command): void {
  declareFilename(command)
    .requiredOption("--trust-bundle <file>", "file with the trust bundle (ConfigMap podrole-trust, key bundle.pem)")
    .option(
      "--permitted <expression>",
      "annotation iam.amazonaws.com/permitted to assume for namespaces that the manifests do not contain",
    )
    .addHelpText(
      "after",
      "\nReads the settings of `podrole webhook` from the environment (PODROLE_…).\n\nExit codes: 0 done, 1 at least one pod is refused and stays unchanged, 2 invalid\ncommand line or input.",
    );
}

export function declareUninject(command: Command): void {
  declareFilename(command).addHelpText(
    "after",
    "\nSet PODROLE_REGION as for `podrole inject`, so that the command distinguishes an\nAWS_REGION that was injected from one that the pod's author set.\n\nExit codes: 0 done, 2 invalid command line or input.",
  );
}

function declareFilename(command: Command): Command {
  return command.requiredOption("-f, --filename <file>", 'manifest file; "-" is standard input');
}

export function readUninject({ filename = "" }: Flags, env: Terminal["env"]): Arguments<UninjectArguments> {
  const read = readSettings(WEBHOOK_SETTINGS, {}, env);
  return read.ok ? { ok: true, options: { filename, settings: read.settings } } : read;
}

export function readInject(flags: Flags, env: Terminal["env"]): Arguments<InjectArguments> {
  const read = readUninject(flags, env);
  if (!read.ok) return read;
  const { trustBundle = "", permitted } = flags;
  return { ok: true, options: { ...read.options, trustBundle, permitted } };
}
