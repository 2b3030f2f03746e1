// Containers that use an HTTP proxy. Some SDKs (Rust's) send even requests to 127.0.0.1 to the proxy, and the
// authorization token with them, unless NO_PROXY lists the address.
import type { EnvVar } from "../kubernetes/objects.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Variables that make SDKs use a proxy for requests without TLS. */
export const PROXY_VARIABLES: ReadonlySet<string> = new Set(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]);
const NO_PROXY_VARIABLES = ["NO_PROXY", "no_proxy"];
const LOOPBACK_ADDRESS = "127.0.0.1";

/** The changed variables; the given ones themselves when nothing changes. */
export interface EnvChange {
  readonly env: readonly EnvVar[];
  readonly warnings: readonly Warning[];
}

/**
 * Adds the loopback address to every spelling of NO_PROXY that is present. If none is, it adds the spelling that
 * matches the proxy variable's own: a lower-case list beside the user's upper-case one would hide it from clients that
 * read only one of the two.
 */
export function exemptLoopback(container: string, env: readonly EnvVar[]): EnvChange {
  const proxies = env.filter(({ name, value, valueFrom }) => PROXY_VARIABLES.has(name) && (valueFrom || value));
  if (proxies.length === 0) return { env, warnings: [] };
  const present = NO_PROXY_VARIABLES.filter((name) => env.some((variable) => variable.name === name));
  const warnings = present
    .filter((name) => effectiveVariable(env, name)?.valueFrom)
    .map((name) => warningOf("PROXY_MAY_INTERCEPT", container, name));
  if (present.length > 0) return { env: present.reduce(addLoopback, env), warnings };
  const spellings = NO_PROXY_VARIABLES.filter((name) => proxies.some((proxy) => isUpper(proxy.name) === isUpper(name)));
  return { env: [...env, ...spellings.map((name) => ({ name, value: LOOPBACK_ADDRESS }))], warnings };
}

/** True for the name of a variable that makes SDKs use a proxy for requests without TLS. */
export function isProxyVariable(name: string): boolean {
  return PROXY_VARIABLES.has(name);
}

/** True if one of the variables exempts the loopback address from every proxy. */
export function hasLoopbackExemption(env: readonly EnvVar[]): boolean {
  return NO_PROXY_VARIABLES.some((name) => exemptsLoopback(effectiveVariable(env, name)?.value ?? ""));
}

/** The variables that the process sees, by name: of duplicates the kubelet uses the last. */
export function effectiveVariables(env: readonly EnvVar[]): ReadonlyMap<string, EnvVar> {
  const byName = new Map<string, EnvVar>();
  for (const variable of env) byName.set(variable.name, variable);
  return byName;
}

/** The variable of this name among effectiveVariables(), for one name: without a map of all. */
export function effectiveVariable(env: readonly EnvVar[], name: string): EnvVar | undefined {
  return env.findLast((variable) => variable.name === name);
}

function addLoopback(env: readonly EnvVar[], name: string): readonly EnvVar[] {
  const current = effectiveVariable(env, name);
  if (!current || current.valueFrom || exemptsLoopback(current.value ?? "")) return env;
  const value = current.value ? `${current.value},${LOOPBACK_ADDRESS}` : LOOPBACK_ADDRESS;
  return env.map((variable) => (variable === current ? { ...current, value } : variable));
}

function exemptsLoopback(list: string): boolean {
  return list.split(",").some((entry) => [LOOPBACK_ADDRESS, "*"].includes(entry.trim()));
}

function isUpper(name: string): boolean {
  return name === name.toUpperCase();
}
