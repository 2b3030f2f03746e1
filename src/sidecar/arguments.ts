// The words of the sidecar's command line: a mode and flags named as in the settings table, each with a value.
import { flagName, type SettingTable } from "../runtime/settings.ts";

export type Flags =
  | { readonly ok: true; readonly flags: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads `--server-address=host:1` and `--server-address host:1` into `{ serverAddress: "host:1" }`. */
export function parseFlags(words: readonly string[], table: SettingTable): Flags {
  const keys = new Map(Object.keys(table).map((key) => [`--${flagName(key)}`, key]));
  const flags: Record<string, string> = {};
  const problems: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = word, inline] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    const key = keys.get(name);
    const value = inline ?? (key === undefined ? undefined : rest.shift());
    if (key === undefined) problems.push(`${name}: no flag has this name`);
    else if (value === undefined) problems.push(`${name}: a value must follow`);
    else flags[key] = value;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, flags };
}

/** The flags again as words, for a child process. */
export function formatFlags(flags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(flags).map(([key, value]) => `--${flagName(key)}=${value}`);
}
