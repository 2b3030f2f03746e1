// Output of `help` and `version`, from the settings table and package.json.
import packageJson from "../../package.json" with { type: "json" };
import type { SettingTable } from "../runtime/settings.ts";
import { flagAbove, settingFlag, settingText } from "../runtime/settings-help.ts";
import { SIDECAR_SETTINGS } from "./settings.ts";

const SIDECAR_USAGE = `Usage: podrole-sidecar <mode> [--setting=value ...]

Serves AWS credentials to the containers of one pod.

Modes:
  serve    create the containers' tokens, prove the pod's identity, serve
           credentials to the AWS SDKs on loopback addresses, and renew them
  init     create the containers' tokens, prove the pod's identity, and wait for
           credentials (classic mode)
  wait     wait until serve is ready (postStart hook)
  hold     wait until serve is ready, without a time limit (podrole-init of a
           Guaranteed pod)
  renew    renew the credentials once; serve runs this mode in a child process.
           In a pod with a postStart hook or podrole-init, the first renewal
           runs in their process (mode wait or hold) instead
  help     print this help
  version  print the version

Settings of serve, init, hold and renew. wait uses only --identity-directory,
--containers, --port, --init-timeout, --start-hook and --level; with
--start-hook it uses all of them. The flag takes precedence over the
environment variable.
`;

const HELP_NOTES = `
Examples:
  # As the webhook starts it, with all settings in the environment
  podrole-sidecar serve

  # Wait for at most a minute until the credentials endpoint is ready
  podrole-sidecar wait --init-timeout=1m

Exit codes:
  0  done, or stopped by a signal once the pod has its credentials
  1  the mode failed: the pod is refused, no credentials arrived in time, or a
     signal stopped it before the pod had its credentials
  2  the mode or a setting cannot be used

Learn more:
  docs/configuration.md describes every setting, and the values that it accepts.
  podrole explain pod/NAME -n NAMESPACE shows why a pod has no role.
`;

/** Returns the help text: modes, then flag, variable, default and meaning of each setting. */
export function sidecarHelp(): string {
  const table: SettingTable = SIDECAR_SETTINGS;
  const rows = Object.entries(table).map(([key, setting]) =>
    flagAbove(settingFlag(key, setting), settingText(key, setting)),
  );
  return [SIDECAR_USAGE, ...rows, HELP_NOTES].join("\n");
}

/** Returns the version line. */
export function sidecarVersion(): string {
  return `podrole ${packageJson.version}\n`;
}
