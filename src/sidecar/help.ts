// Output of `help` and `version`, from the settings table and package.json.
import packageJson from "../../package.json" with { type: "json" };
import { defaultOf, envName, flagName, type SettingTable } from "../runtime/settings.ts";
import { SIDECAR_SETTINGS } from "./settings.ts";

const MODES_HELP = `podrole-sidecar <mode> [--setting=value ...]

  serve    create the containers' tokens, prove the pod's identity, serve
           credentials to the AWS SDKs on loopback addresses, and renew them
  init     create the containers' tokens, prove the pod's identity, and wait for
           credentials (classic mode)
  wait     wait until serve is ready
  renew    renew the credentials once (serve starts this mode as a child process)
  version  print the version

Set each setting by its flag or by its environment variable; the flag takes precedence.

`;

/** Returns the help text: modes, then flag, variable, default and meaning of each setting. */
export function help(): string {
  const table: SettingTable = SIDECAR_SETTINGS;
  const rows = Object.entries(table).map(([key, setting]) => {
    const value = defaultOf(setting);
    const presence = value === undefined ? "required" : `default: ${value}`;
    return `  --${flagName(key)}${wrapped(`${setting.help}.`)}${INDENT}${envName(key)} (${presence})\n`;
  });
  return MODES_HELP + rows.join("");
}

const INDENT = `\n${" ".repeat(6)}`;

/** Wraps a text below its flag so that lines have at most 80 characters. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,74})(?: |$)/g, `${INDENT}$1`);
}

/** Returns the version line. */
export function version(): string {
  return `podrole ${packageJson.version}\n`;
}
