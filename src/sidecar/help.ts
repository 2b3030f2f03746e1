// What `help` and `version` print, from the settings table and package.json.
import packageJson from "../../package.json" with { type: "json" };
import { envName, flagName, type SettingTable } from "../runtime/settings.ts";
import { SIDECAR_SETTINGS } from "./settings.ts";

const MODES_HELP = `podrole-sidecar <mode> [--setting=value ...]

  serve    make the containers' tokens, prove the pod, answer the AWS SDKs on 127.0.0.1 and renew ahead of time
  init     classic mode: make the tokens, prove the pod, wait for credentials
  wait     until serve is ready
  renew    one renewal (serve starts it as a child)
  version  print the version

Settings, each as a flag or in the environment:
`;

export function help(): string {
  const table: SettingTable = SIDECAR_SETTINGS;
  const rows = Object.entries(table).map(([key, { help: text, default: value }]) => {
    const standard = value === undefined ? "required" : value === null ? "optional" : `default ${value}`;
    return `  --${flagName(key)}  (${envName(key)}, ${standard})\n      ${text}\n`;
  });
  return MODES_HELP + rows.join("");
}

export function version(): string {
  return `podrole ${packageJson.version}\n`;
}
