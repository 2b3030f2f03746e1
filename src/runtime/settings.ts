// Settings as a table: one object a program gives name, type, default and help of each; flags, environment, --help and
// docs/configuration.md all come from it. Every problem is reported in one go; an unknown name is a problem, because a
// misspelt setting should fail at start and not at three in the morning. A flag wins over the environment.
import { createSuggester } from "./suggest.ts";

/** Reads one text into a value; undefined means "not accepted", and `expects` says what would have been. */
export interface Parser<T> {
  readonly expects: string;
  parse(text: string): T | undefined;
}

export interface Setting<T> {
  readonly help: string;
  readonly type: Parser<T>;
  /** Absent: the setting is required. `null`: optional, and undefined when not given. */
  readonly default?: string | null;
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

type ValueOf<S> = S extends { readonly type: Parser<infer T>; readonly default: null }
  ? T | undefined
  : S extends { readonly type: Parser<infer T> }
    ? T
    : never;

export type Settings<Table extends SettingTable> = { readonly [Key in keyof Table]: ValueOf<Table[Key]> };

export type ReadResult<Table extends SettingTable> =
  | { readonly ok: true; readonly settings: Settings<Table> }
  | { readonly ok: false; readonly problems: readonly string[] };

/** `sessionDuration` → `session-duration`. */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `sessionDuration` → `PODROLE_SESSION_DURATION`. */
export function envName(key: string): string {
  return `PODROLE_${flagName(key).replaceAll("-", "_").toUpperCase()}`;
}

/** Kubernetes puts variables like PODROLE_SERVER_SERVICE_HOST into pods beside a Service of that name: not ours. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT|PORT_\d+_(TCP|UDP)(_.*)?)$/;

/**
 * Reads a table from flags (by key, as the command line parser delivers them) and the environment.
 * `alsoKnown`: environment names that belong to somebody else in the same process (another table).
 */
export function readSettings<const Table extends SettingTable>(
  table: Table,
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
  alsoKnown: readonly string[] = [],
): ReadResult<Table> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(table)) {
    const given = flags[key] ?? env[envName(key)];
    const origin = flags[key] === undefined && given !== undefined ? envName(key) : `--${flagName(key)}`;
    const text = given ?? setting.default;
    if (text === undefined) problems.push(`${origin} (${envName(key)}) is required: ${setting.type.expects}`);
    if (text === undefined || text === null) continue;
    const value = setting.type.parse(text);
    if (value === undefined) problems.push(`${origin}: ${JSON.stringify(text)} is not ${setting.type.expects}`);
    values[key] = value;
  }
  const known = new Set([...Object.keys(table).map(envName), ...alsoKnown]);
  const suggest = createSuggester(known);
  for (const name of Object.keys(env)) {
    if (!name.startsWith("PODROLE_") || known.has(name) || SERVICE_LINK.test(name)) continue;
    const near = suggest(name);
    problems.push(`${name}: no setting has this name${near === undefined ? "" : ` (did you mean ${near}?)`}`);
  }
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, settings: Object.freeze(values) as Settings<Table> };
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Go's notation, as kiam's flags take it: "15m", "1h30m", "500ms". Value in milliseconds. */
export const duration: Parser<number> = {
  expects: 'a duration such as "500ms", "15m" or "1h30m"',
  parse(text) {
    if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
    let total = 0;
    for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
      total += Number(amount) * UNITS[unit as keyof typeof UNITS];
    }
    return total;
  },
};

export const text: Parser<string> = {
  expects: "a text that is not empty",
  parse: (value) => (value === "" ? undefined : value),
};

export const flag: Parser<boolean> = {
  expects: '"true" or "false"',
  parse: (value) => (value === "true" ? true : value === "false" ? false : undefined),
};

export const port: Parser<number> = {
  expects: "a port from 0 to 65535 (0 takes any free one)",
  parse: (value) => (/^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined),
};

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** "host:port", "[::1]:port"; ":port" listens on every address. */
export const address: Parser<Address> = {
  expects: 'an address "host:port" such as "podrole-server.podrole.svc:8444" or "[::]:8444"',
  parse(value) {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(value);
    if (match === null || Number(match[3]) > 65_535) return undefined;
    return { host: match[1] ?? (match[2] || "::"), port: Number(match[3]) };
  },
};

/** Comma-separated; spaces around elements do not count; empty elements are an error. */
export const list: Parser<readonly string[]> = {
  expects: "one or more texts separated by commas",
  parse(value) {
    const elements = value.split(",").map((element) => element.trim());
    return elements.includes("") ? undefined : elements;
  },
};

export function oneOf<const T extends string>(choices: readonly T[]): Parser<T> {
  return {
    expects: `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`,
    parse: (value) => choices.find((choice) => choice === value),
  };
}

export function integer(minimum: number, maximum: number): Parser<number> {
  return {
    expects: `a whole number from ${minimum} to ${maximum}`,
    parse(value) {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return number >= minimum && number <= maximum ? number : undefined;
    },
  };
}

/** "namespace/name". */
export const namespacedName: Parser<{ readonly namespace: string; readonly name: string }> = {
  expects: 'a namespace and a name such as "podrole/podrole-webhook"',
  parse(text) {
    const [, namespace, name] = /^([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253})$/.exec(text) ?? [];
    return namespace === undefined || name === undefined ? undefined : { namespace, name };
  },
};
