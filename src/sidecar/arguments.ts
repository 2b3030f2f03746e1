// The sidecar's command-line arguments: flags named as in the settings table, each with a value.
import { type Checked, success } from "../runtime/result.ts";
import { flagName, type SettingTable } from "../runtime/settings.ts";

/**
 * Parses `--server-address=host:1` and `--server-address host:1` into `{ serverAddress: "host:1" }`: flags by setting
 * key.
 */
export function parseFlags(args: readonly string[], table: SettingTable): Checked<Readonly<Record<string, string>>> {
  const keys = new Map(Object.keys(table).map((key) => [`--${flagName(key)}`, key]));
  const flags: Record<string, string> = {};
  const problems: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name = arg, inline] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? [];
    const key = keys.get(name);
    const value = inline ?? (key === undefined ? undefined : rest.shift());
    if (key === undefined) problems.push(`${name}: unknown flag`);
    else if (value === undefined) problems.push(`${name}: the value is missing`);
    else flags[key] = value;
  }
  return problems.length > 0 ? { ok: false, problems } : success(flags);
}

/** Returns the flags as arguments for a child process; `parseFlags` reads them back. */
export function formatFlags(flags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(flags).map(([key, value]) => `--${flagName(key)}=${value}`);
}
