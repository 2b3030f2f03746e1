// Arguments of the long-running programs: one flag for each setting of a table, and the sidecar's modes.
import { type Command, type Help, Option } from "commander";
import { defaultOf, envName, flagName, type Setting, type SettingTable } from "../../runtime/settings.ts";

/** Defaults are shown and not set, so that the environment variable of a setting still counts. */
export function declareSettings(command: Command, table: SettingTable): void {
  command.configureHelp({ formatItem });
  for (const [key, setting] of Object.entries(table)) {
    const isSwitch = setting.default === "true" || setting.default === "false";
    const heading = setting.group ?? "Options:";
    const flags = `--${flagName(key)} ${isSwitch ? "[true|false]" : `<${placeholderOf(setting)}>`}`;
    command.addOption(new Option(flags, describe(key, setting)).helpGroup(heading));
    if (isSwitch) command.addOption(new Option(`--no-${flagName(key)}`).helpGroup(heading).hideHelp());
  }
}

/** Puts the description below the flag: commander does not wrap the narrow column beside flags as long as these. */
function formatItem(term: string, _termWidth: number, description: string, helper: Help): string {
  const indent = `\n${" ".repeat(6)}`;
  const wrapped = helper.boxWrap(description, (helper.helpWidth ?? 80) - 6);
  return `  ${term}${indent}${wrapped.replaceAll("\n", indent)}`;
}

function placeholderOf({ placeholder, type }: Setting<unknown>): string {
  return placeholder ?? type.placeholder ?? "value";
}

function describe(key: string, setting: Setting<unknown>): string {
  const value = defaultOf(setting);
  return `${setting.help}.\n${envName(key)} (${value === undefined ? "required" : `default: ${value}`})`;
}

/** The sidecar parses its own flags. */
export function declareSidecar(command: Command): void {
  command
    .argument(
      "<mode>",
      "serve: prove the pod's identity and serve credentials; init: prove the pod's identity and wait for credentials (classic mode); wait: wait until serve is ready; help: print every mode and setting",
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false);
}
