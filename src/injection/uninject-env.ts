// Removes the variables that environment.ts and proxy.ts added to a container with a role.
import { isDeepStrictEqual } from "#platform";
import type { EnvVar } from "../kubernetes/objects.ts";
import { effectiveVariable } from "./proxy.ts";
import { TOKEN_DIRECTORIES } from "./token-mount.ts";

/** What the injected pod alone does not show. */
export interface UninjectOptions {
  /** The webhook's --region at injection, which distinguishes an AWS_REGION of podrole's from one of the user's. */
  readonly region: string | undefined;
  /** The webhook's --sidecar-pull-secrets at injection; absent: none. */
  readonly pullSecrets?: readonly string[];
}

const CREDENTIALS_URI_VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/**
 * What injection adds to a container, in its order. Regions need no value: only variables after the pair are compared.
 */
const ADDED_VARIABLES: readonly { readonly name: string; readonly value?: RegExp }[] = [
  { name: CREDENTIALS_URI_VARIABLE },
  { name: TOKEN_FILE },
  { name: "AWS_REGION" },
  { name: "AWS_DEFAULT_REGION" },
  { name: "AWS_EC2_METADATA_DISABLED", value: /^true$/ },
  { name: "AWS_EC2_METADATA_SERVICE_ENDPOINT", value: /^http:\/\/127\.0\.0\.1:\d+$/ },
  { name: "AWS_STS_REGIONAL_ENDPOINTS", value: /^regional$/ },
  { name: "NO_PROXY", value: /^127\.0\.0\.1$/ },
  { name: "no_proxy", value: /^127\.0\.0\.1$/ },
];

/** Returns the variables as they were before injection; `uri` is the sidecar's endpoint that injection set. */
export function withoutCredentialVariables(
  env: readonly EnvVar[],
  uri: string,
  options: UninjectOptions,
): readonly EnvVar[] {
  const tokenFiles = new Set(TOKEN_DIRECTORIES.map((directory) => `${directory}/token`));
  const at = env.findIndex(({ name, value }) => name === CREDENTIALS_URI_VARIABLE && value === uri);
  const hasPair = at >= 0 && env.some(({ name, value }) => name === TOKEN_FILE && tokenFiles.has(value ?? ""));
  return originalProxies(
    hasPair ? env.filter((variable, index) => index < at || !isOurs(variable)) : withoutTail(env, options),
  );
}

function isOurs({ name, value = "" }: EnvVar): boolean {
  return ADDED_VARIABLES.some((added) => added.name === name && (added.value?.test(value) ?? true));
}

/**
 * A container with a foreign endpoint got everything except the pair. What was added is the end of its list, in the
 * order of ADDED_VARIABLES; a region is podrole's when it equals the setting or copies the other region variable.
 */
function withoutTail(env: readonly EnvVar[], { region }: UninjectOptions): readonly EnvVar[] {
  let end = env.length;
  let rank = ADDED_VARIABLES.length;
  while (end > 0) {
    const variable = env[end - 1] as EnvVar;
    const own = ADDED_VARIABLES.findIndex(({ name }) => name === variable.name);
    if (own < 2 || own >= rank || !isOurs(variable)) break;
    if (own <= 3 && !isRegionOfOurs(variable, env.slice(0, end - 1), region)) break;
    rank = own;
    end -= 1;
  }
  return end === env.length ? env : env.slice(0, end);
}

function isRegionOfOurs({ name, value, valueFrom }: EnvVar, before: readonly EnvVar[], region: string | undefined) {
  const other = effectiveVariable(before, name === "AWS_REGION" ? "AWS_DEFAULT_REGION" : "AWS_REGION");
  const isCopy = other !== undefined && other.value === value && isDeepStrictEqual(other.valueFrom, valueFrom);
  return isCopy || (region !== undefined && value === region);
}

/** Removes the loopback address that injection appended to the NO_PROXY of a container that uses a proxy. */
function originalProxies(env: readonly EnvVar[]): readonly EnvVar[] {
  const hasProxy = env.some(({ name, value, valueFrom }) => /^(HTTP|ALL)_PROXY$/i.test(name) && (value || valueFrom));
  if (!hasProxy) return env;
  return env.map((variable) =>
    /^(NO_PROXY|no_proxy)$/.test(variable.name) && variable.value?.endsWith(",127.0.0.1")
      ? { ...variable, value: variable.value.slice(0, -",127.0.0.1".length) }
      : variable,
  );
}
