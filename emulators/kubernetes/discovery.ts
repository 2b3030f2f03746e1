// Discovery requests of clients: versions, groups, resources, health.
// (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api)
import { openApi } from "./openapi.ts";
import { groupVersion, RESOURCES, type ResourceType } from "./resources.ts";

const RESOURCE_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];

/** Returns the JSON or text of a path about the server itself; undefined for any other path. */
export function discover(
  path: string,
  version: { readonly major: string; readonly minor: string },
  tokenKeys: object,
): unknown {
  switch (path) {
    case "/healthz":
    case "/livez":
    case "/readyz":
      return "ok";
    case "/version":
      return {
        ...version,
        gitVersion: `v${version.major}.${Number.parseInt(version.minor, 10)}.0`,
        platform: "linux/amd64",
      };
    case "/openid/v1/jwks":
      return tokenKeys;
    case "/api":
      return { kind: "APIVersions", versions: ["v1"] };
    case "/apis":
      return { kind: "APIGroupList", apiVersion: "v1", groups: groupEntries() };
    default:
      return path.startsWith("/openapi/") ? openApi(path) : resourceList(path);
  }
}

function groupEntries(): readonly object[] {
  const names = new Set(RESOURCES.map(({ group }) => group).filter((group) => group !== ""));
  return Array.from(names, (name) => {
    const version = { groupVersion: `${name}/v1`, version: "v1" };
    return { name, versions: [version], preferredVersion: version };
  });
}

function resourceList(path: string): object | undefined {
  const [, requested] = /^\/apis?\/((?:[^/]+\/)?v1)$/.exec(path) ?? [];
  const found = RESOURCES.filter((resource) => groupVersion(resource) === requested);
  if (requested === undefined || found.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: requested,
    resources: found.flatMap(resourceEntries),
  };
}

function resourceEntries(resource: ResourceType): readonly object[] {
  const { plural, singular, kind, shortNames, isNamespaced, isVirtual, subresources } = resource;
  const verbs = isVirtual ? ["create"] : RESOURCE_VERBS;
  const below = subresources.map((name) => {
    const type = SUBRESOURCE_ENTRIES[name] ?? { kind, verbs: ["get", "patch", "update"] };
    return Object.assign({ name: `${plural}/${name}`, singularName: "", namespaced: isNamespaced }, type);
  });
  return [{ name: plural, singularName: singular, namespaced: isNamespaced, kind, verbs, shortNames }, ...below];
}

const SUBRESOURCE_ENTRIES: Readonly<Record<string, object>> = {
  token: { kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] },
  binding: { kind: "Binding", verbs: ["create"] },
};
