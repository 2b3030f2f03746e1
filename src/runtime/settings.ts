// Settings as a table: one object per program gives name, type, default and help of each setting; flags, environment
// variables, --help and docs/configuration.md all come from it. All problems are reported at once. An unknown name is a
// problem, so that a misspelt setting fails at start and not later. A flag takes precedence over the environment.
import { isIP } from "#platform";
import { type Checked, success } from "./result.ts";
import { createSuggester } from "./suggest.ts";

/**
 * Parses one text into a value. `parse` returns undefined for text that is not accepted; `expects` describes what would
 * be.
 */
export interface Parser<T> {
  readonly expects: string;
  /** What stands for the value in --help: "duration" for `<duration>`. */
  readonly placeholder?: string;
  /**
   * JSON Schema for the value in a YAML file, such as the chart's values: it rejects no value whose text `parse`
   * accepts. Absent: any text, number or list of texts.
   */
  readonly schema?: Readonly<Record<string, unknown>>;
  parse(text: string): T | undefined;
}

/** One setting: a row of a settings table. */
export interface Setting<T> {
  readonly help: string;
  readonly type: Parser<T>;
  /** Absent: the setting is required. `null`: optional, and undefined if not given. */
  readonly default?: string | null;
  /** What applies while an optional setting is not given, for help and docs; absent: "none". */
  readonly unset?: string;
  /** Heading in --help. */
  readonly group?: string;
  /** Replaces the type's placeholder: "file" for a text that is a path. */
  readonly placeholder?: string;
}

/** The settings of a program, by key. */
export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

/** Puts rows of a table below one heading of --help. */
export function group<const Rows extends SettingTable>(
  heading: string,
  rows: Rows,
): { readonly [Key in keyof Rows]: Rows[Key] & { readonly group: string } } {
  const grouped = Object.entries(rows).map(([key, row]) => [key, { ...row, group: heading }]);
  return Object.fromEntries(grouped) as ReturnType<typeof group<Rows>>;
}

type ValueOf<S> = S extends { readonly type: Parser<infer T>; readonly default: null }
  ? T | undefined
  : S extends { readonly type: Parser<infer T> }
    ? T
    : never;

/** The values of a table, by its keys. */
export type Settings<Table extends SettingTable> = { readonly [Key in keyof Table]: ValueOf<Table[Key]> };

/** Returns what help and docs print as the default; undefined for a required setting. */
export function defaultOf({ default: value, unset = "none" }: Setting<unknown>): string | undefined {
  return value === null ? unset : value === "" ? '""' : value;
}

/** Returns the flag without dashes: `sessionDuration` → `session-duration`. */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Returns the environment variable: `sessionDuration` → `PODROLE_SESSION_DURATION`. */
export function envName(key: string): string {
  return `PODROLE_${flagName(key).replaceAll("-", "_").toUpperCase()}`;
}

/**
 * Variables such as PODROLE_SERVER_SERVICE_HOST, which Kubernetes adds to pods for a Service of that name, of any
 * protocol: TCP, UDP or SCTP. They are not settings.
 */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT|PORT_\d+_[A-Z]+(_.*)?)$/;

/**
 * Reads a table from flags (by key, as the command-line parser delivers them) and the environment. `alsoKnown` lists
 * environment variables of another table that the same process reads. Returns the frozen settings; each problem is a
 * sentence that names the flag or variable.
 */
export function readSettings<const Table extends SettingTable>(
  table: Table,
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
  alsoKnown: readonly string[] = [],
): Checked<Settings<Table>> {
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
  return problems.length > 0 ? { ok: false, problems } : success(Object.freeze(values) as Settings<Table>);
}

const DURATION_UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

const DURATION_PATTERN = String.raw`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`;

/** A duration in Go's notation, as kiam's flags accept it: "15m", "1h30m", "500ms". The value is in milliseconds. */
export const duration: Parser<number> = {
  expects: 'a duration such as "500ms", "15m" or "1h30m"',
  placeholder: "duration",
  schema: { type: "string", pattern: DURATION_PATTERN },
  parse(text) {
    if (!new RegExp(DURATION_PATTERN).test(text)) return undefined;
    let total = 0;
    for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
      total += Number(amount) * DURATION_UNITS_MS[unit as keyof typeof DURATION_UNITS_MS];
    }
    return total;
  },
};

/** Any text but the empty one. */
export const text: Parser<string> = {
  expects: "a non-empty text",
  placeholder: "text",
  parse: (value) => (value === "" ? undefined : value),
};

/** "true" or "false": the presence of a flag means nothing. */
export const flag: Parser<boolean> = {
  expects: '"true" or "false"',
  placeholder: "true|false",
  schema: { enum: [true, false, "true", "false"] },
  parse: (value) => (value === "true" ? true : value === "false" ? false : undefined),
};

/** A TCP port; 0 lets the system choose a free one. */
export const port: Parser<number> = {
  expects: "a port from 0 to 65535 (0: any free port)",
  placeholder: "port",
  parse: (value) => (/^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined),
};

/** A host and a port, as flags for addresses have them. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const ADDRESS_PATTERN = String.raw`^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):([0-9]{1,5})$`;

/** A listening or target address: "host:port", "[::1]:port"; ":port" listens on every address. */
export const address: Parser<Address> = {
  expects: 'an address "host:port" such as "podrole-server.podrole.svc:8444" or "[::]:8444"',
  placeholder: "host:port",
  schema: { type: "string", pattern: ADDRESS_PATTERN },
  parse(value) {
    const match = new RegExp(ADDRESS_PATTERN).exec(value);
    if (match === null || Number(match[3]) > 65_535) return undefined;
    return { host: match[1] ?? (match[2] || "::"), port: Number(match[3]) };
  },
};

/** Returns "host:port", with the brackets that an IPv6 address needs before a port (RFC 3986, section 3.2.2). */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** A comma-separated list. Spaces around elements are dropped; an empty element is an error. */
export const list: Parser<readonly string[]> = {
  expects: "one or more texts separated by commas",
  placeholder: "text,…",
  parse(value) {
    const elements = value.split(",").map((element) => element.trim());
    return elements.includes("") ? undefined : elements;
  },
};

/** A range of IP addresses. `prefix`: number of leading bits that addresses of the range share. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
}

/** A comma-separated list of CIDRs: "10.0.0.0/28,fd00::/64". */
export const cidrs: Parser<readonly Cidr[]> = {
  expects: 'one or more ranges of addresses separated by commas, such as "10.0.0.0/28,fd00::/64"',
  placeholder: "cidr,…",
  parse(value) {
    const ranges = list.parse(value)?.map((element) => {
      const [, address = "", prefix = ""] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(element) ?? [];
      const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
      return Number(prefix) <= bits ? { address, prefix: Number(prefix) } : undefined;
    });
    return ranges?.every((range) => range !== undefined) ? ranges : undefined;
  },
};

/** Accepts the given texts only. */
export function oneOf<const T extends string>(choices: readonly T[]): Parser<T> {
  return {
    expects: `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`,
    placeholder: choices.join("|"),
    schema: { enum: choices },
    parse: (value) => choices.find((choice) => choice === value),
  };
}

/** Accepts whole numbers from `minimum` to `maximum`, both included. */
export function wholeNumber(minimum: number, maximum: number): Parser<number> {
  return {
    expects: `a whole number from ${minimum} to ${maximum}`,
    placeholder: "number",
    schema: {
      anyOf: [
        { type: "integer", minimum, maximum },
        { type: "string", pattern: "^-?[0-9]{1,15}$" },
      ],
    },
    parse(value) {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return number >= minimum && number <= maximum ? number : undefined;
    },
  };
}

const NAMESPACED_NAME_PATTERN = "^([a-z0-9-]{1,63})/([a-z0-9.-]{1,253})$";

/** A namespace and a name: "namespace/name". */
export const namespacedName: Parser<{ readonly namespace: string; readonly name: string }> = {
  expects: 'a namespace and a name such as "podrole/podrole-webhook"',
  placeholder: "namespace/name",
  schema: { type: "string", pattern: NAMESPACED_NAME_PATTERN },
  parse(text) {
    const [, namespace, name] = new RegExp(NAMESPACED_NAME_PATTERN).exec(text) ?? [];
    return namespace === undefined || name === undefined ? undefined : { namespace, name };
  },
};
