// Arguments of the long-running programs: one flag for each setting of a table, and the sidecar's modes.
import { type Command, Option } from "commander";
import { envName, flagName, type Setting, type SettingTable } from "../../runtime/settings.ts";

/** Defaults are shown and not set, so that the environment variable of a setting still counts. */
export function declareSettings(command: Command, table: SettingTable): void {
  for (const [key, setting] of Object.entries(table)) {
    const isSwitch = setting.default === "true" || setting.default === "false";
    const heading = setting.group ?? "Options:";
    const flags = `--${flagName(key)} ${isSwitch ? "[true|false]" : `<${placeholderOf(setting)}>`}`;
    command.addOption(new Option(flags, describe(key, setting)).helpGroup(heading));
    if (isSwitch) command.addOption(new Option(`--no-${flagName(key)}`).helpGroup(heading).hideHelp());
  }
}

function placeholderOf({ placeholder, type }: Setting<unknown>): string {
  return placeholder ?? type.placeholder ?? "value";
}

function describe(key: string, { help, default: value }: Setting<unknown>): string {
  const standard = value === undefined ? ["required"] : value === null ? [] : [`default ${JSON.stringify(value)}`];
  return `${help} (${[...standard, envName(key)].join(", ")})`;
}

/** The sidecar parses its own flags. */
export function declareSidecar(command: Command): void {
  command
    .argument(
      "<mode>",
      "serve: prove the pod's identity and serve credentials; init (classic mode): prove it once; wait: until serve is ready",
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false);
}
