// Arguments of the long-running programs: one flag for each setting of a table, and the sidecar's modes.
import { type Command, Option } from "commander";
import { flagName, type Setting, type SettingTable } from "../../runtime/settings.ts";
import { flagAbove, settingFlag, settingText } from "../../runtime/settings-help.ts";
import { SERVER_SETTINGS } from "../../settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../settings/webhook.ts";
import { addHelp, HELP_LAYOUT } from "./help.ts";

/** Declares the settings of the server. */
export function declareServer(command: Command): void {
  declareSettings(command, SERVER_SETTINGS, [
    "On your machine, with your kubeconfig and your AWS credentials",
    "podrole server --kubeconfig ~/.kube/config --region eu-central-1 \\\n  --json-log=false",
  ]);
}

/** Declares the settings of the webhook. */
export function declareWebhook(command: Command): void {
  declareSettings(command, WEBHOOK_SETTINGS, [
    "As the manifests start it, with its other settings in the environment",
    "podrole webhook --bind :9443",
  ]);
}

function declareSettings(command: Command, table: SettingTable, example: readonly [string, string]): void {
  declareSettingFlags(command, table);
  addHelp(command, {
    notes: [SETTINGS_NOTE],
    examples: [example],
    exitCodes: [
      [0, "stopped by a signal"],
      [1, "the program could not start"],
      [2, "a setting or the kubeconfig cannot be used"],
    ],
    docs: "docs/configuration.md describes every setting, and the values that it accepts",
  });
}

/** Note in the help of commands with the flags of a settings table. */
export const SETTINGS_NOTE =
  "Each setting is read from its flag or its environment variable; the flag takes precedence.";

/**
 * Declares a flag for each setting of a table. Defaults are shown and not set, so that the environment variable of a
 * setting still counts.
 */
export function declareSettingFlags(command: Command, table: SettingTable): void {
  command.configureHelp({ ...HELP_LAYOUT, formatItem: (term, _termWidth, text) => flagAbove(term, text) });
  for (const [key, setting] of Object.entries(table)) {
    const heading = setting.group ?? "Options:";
    const flag = isSwitch(setting) ? `--${flagName(key)} [true|false]` : settingFlag(key, setting);
    command.addOption(new Option(flag, settingText(key, setting)).helpGroup(heading));
    if (isSwitch(setting)) command.addOption(new Option(`--no-${flagName(key)}`).helpGroup(heading).hideHelp());
  }
}

/** True for a setting that its flag alone switches on, and `--no-…` off. */
function isSwitch(setting: Setting<unknown>): boolean {
  return setting.default === "true" || setting.default === "false";
}

/** Declares the sidecar's mode only: the sidecar parses its own flags, and prints its own help. */
export function declareSidecar(command: Command): void {
  command
    .argument("<mode>", "serve, init, wait, renew, help or version")
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false);
}
