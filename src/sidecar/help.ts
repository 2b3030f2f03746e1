// Output of `help` and `version`, from the settings table and package.json.
import packageJson from "../../package.json" with { type: "json" };
import { envName, flagName, type SettingTable } from "../runtime/settings.ts";
import { SIDECAR_SETTINGS } from "./settings.ts";

const MODES_HELP = `podrole-sidecar <mode> [--setting=value ...]

  serve    create the containers' tokens, prove the pod, serve credentials to the AWS SDKs on loopback and renew them
  init     classic mode: create the tokens, prove the pod, wait for credentials
  wait     wait until serve is ready
  renew    renew once (serve starts it as a child process)
  version  print the version

Settings, each as a flag or as an environment variable:
`;

/** Returns the help text: modes, then flag, variable, default and meaning of each setting. */
export function help(): string {
  const table: SettingTable = SIDECAR_SETTINGS;
  const rows = Object.entries(table).map(([key, { help: text, default: value }]) => {
    const presence = value === undefined ? "required" : value === null ? "optional" : `default ${value}`;
    return `  --${flagName(key)}  (${envName(key)}, ${presence})\n      ${text}\n`;
  });
  return MODES_HELP + rows.join("");
}

/** Returns the version line. */
export function version(): string {
  return `podrole ${packageJson.version}\n`;
}
