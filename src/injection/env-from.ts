// Variables that a container takes from whole ConfigMaps and Secrets (`envFrom`). The pod spec does not show them, so
// they are known only to a caller that can read those objects: the command line, for manifests and exports.
import type { Container } from "../kubernetes/objects.ts";
import { effectiveVariable, hasLoopbackExemption, isProxyVariable } from "./proxy.ts";
import { shadowingRows } from "./sdk-precedence.ts";
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
 * podrole's endpoint. A variable that `env` sets too is left out, because `env` takes precedence.
 */
export function envFromWarnings(container: Container, sources: EnvSources): readonly Warning[] {
  const { name } = container;
  const given = listOf(container.env);
  const found = new Map(
    variablesFrom(container, sources).filter(([variable]) => effectiveVariable(given, variable) === undefined),
  );
  const isSet = (variable: string) => found.has(variable) || Boolean(effectiveVariable(given, variable));
  const proxy = [...found].find(([variable]) => isProxyVariable(variable));
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
  ];
}

/** Of several sources with one key, the last counts, as for the kubelet. */
function variablesFrom({ envFrom }: Container, sources: EnvSources): readonly (readonly [string, string])[] {
  const list = Array.isArray(envFrom) ? (envFrom as readonly EnvFromSource[]) : [];
  return list.flatMap(({ prefix, configMapRef, secretRef }) => {
    const [kind, named] = configMapRef ? ["ConfigMap", configMapRef.name] : ["Secret", secretRef?.name];
    const before = typeof prefix === "string" ? prefix : "";
    const source = `${kind}/${String(named)}`;
    return (sources.get(source) ?? []).map((key) => [before + key, source] as const);
  });
}
