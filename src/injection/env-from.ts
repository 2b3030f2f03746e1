// Variables that a container takes from whole ConfigMaps and Secrets (`envFrom`). The pod spec does not show them, so
// they are known only to a caller that reads those objects: the command line, in manifests, exports and, for
// ConfigMaps, the cluster. The webhook has no right to read them: it would be one to read every ConfigMap and Secret.
import type { Container } from "../kubernetes/objects.ts";
import { effectiveVariable, hasLoopbackExemption, isProxyVariable, PROXY_VARIABLES } from "./proxy.ts";
import { SHADOWING_NAMES, shadowingRows } from "./sdk-precedence.ts";
import { listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Keys of the ConfigMaps and Secrets of the pod's namespace, by "ConfigMap/name" and "Secret/name". */
export type EnvSources = ReadonlyMap<string, readonly string[]>;

interface EnvFromSource {
  readonly prefix?: unknown;
  readonly configMapRef?: { readonly name?: unknown };
  readonly secretRef?: { readonly name?: unknown };
}

/**
 * Warns about variables of `envFrom` that take precedence over podrole, and about a proxy without an exemption for
 * podrole's endpoint. A variable that `env` sets too is left out, because `env` takes precedence. Sources that are not
 * known are named, if they may have such variables.
 */
export function envFromWarnings(container: Container, sources: EnvSources): readonly Warning[] {
  const { name, envFrom } = container;
  // Most containers have none.
  if (!Array.isArray(envFrom) || envFrom.length === 0) return [];
  const given = listOf(container.env);
  const found = new Map(
    variablesFrom(container, sources).filter(([variable]) => effectiveVariable(given, variable) === undefined),
  );
  const isSet = (variable: string) => found.has(variable) || Boolean(effectiveVariable(given, variable));
  const proxy = [...found].find(([variable]) => isProxyVariable(variable));
  const unread = unreadSources(container, sources);
  return [
    ...shadowingRows(isSet).flatMap((row) => {
      const source = found.get(row.name);
      return source === undefined
        ? []
        : [warningOf("CREDENTIALS_SHADOWED", name, `${row.name} (${source})`, row.effect)];
    }),
    ...(proxy !== undefined && !hasLoopbackExemption(given)
      ? [warningOf("PROXY_MAY_INTERCEPT", name, `${proxy[0]} (${proxy[1]})`)]
      : []),
    ...(unread.length > 0 ? [warningOf("ENV_FROM_UNREAD", name, unread)] : []),
  ];
}

/** Variables with which a source of `envFrom` can take an app past podrole. */
const BYPASSING_VARIABLES: readonly string[] = [...SHADOWING_NAMES, ...PROXY_VARIABLES];

/** Sources that are not known, and whose prefix leaves room for a variable that matters. */
function unreadSources(container: Container, sources: EnvSources): readonly string[] {
  const unread = envFromOf(container).filter(
    ({ source, prefix }) => !sources.has(source) && BYPASSING_VARIABLES.some((variable) => variable.startsWith(prefix)),
  );
  return [...new Set(unread.map(({ source }) => source))];
}

/** The sources of a container's `envFrom`, as "ConfigMap/name" and "Secret/name", with their variables' prefix. */
export function envFromOf({ envFrom }: Container): readonly { readonly source: string; readonly prefix: string }[] {
  const list = Array.isArray(envFrom) ? (envFrom as readonly (EnvFromSource | null)[]) : [];
  return list.flatMap((each) => {
    const { prefix, configMapRef, secretRef } = each ?? {};
    const [kind, reference] = configMapRef ? ["ConfigMap", configMapRef] : ["Secret", secretRef];
    const named = reference?.name;
    if (typeof named !== "string") return [];
    return [{ source: `${kind}/${named}`, prefix: typeof prefix === "string" ? prefix : "" }];
  });
}

/** Of several sources with one key, the last counts, as for the kubelet. */
function variablesFrom(container: Container, sources: EnvSources): readonly (readonly [string, string])[] {
  return envFromOf(container).flatMap(({ source, prefix }) =>
    (sources.get(source) ?? []).map((key) => [prefix + key, source] as const),
  );
}
