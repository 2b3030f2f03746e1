// The minimal OpenAPI document with which `kubectl apply -f` leaves validation to the server: the PATCH of every
// resource has the parameter fieldValidation. Schemas are not described.
// (https://kubernetes.io/docs/concepts/overview/kubernetes-api/)
import { groupVersion, RESOURCES, type ResourceType } from "./resources.ts";

/** Returns the document at a path below /openapi/v3, or undefined. */
export function openApi(path: string): object | undefined {
  if (path === "/openapi/v3") {
    const roots = new Set(RESOURCES.map(rootOf));
    return {
      paths: Object.fromEntries(Array.from(roots, (root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }])),
    };
  }
  const served = RESOURCES.filter((resource) => path === `/openapi/v3/${rootOf(resource)}`);
  if (served.length === 0) return undefined;
  const paths = served.map((resource) => [objectPath(resource), { patch: patchOperation(resource) }]);
  return {
    openapi: "3.0.0",
    info: { title: "kubernetes emulator", version: "v1" },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  };
}

/** Returns "api/v1" or, for example, "apis/admissionregistration.k8s.io/v1". */
function rootOf(resource: ResourceType): string {
  return `${resource.group === "" ? "api" : "apis"}/${groupVersion(resource)}`;
}

function objectPath(resource: ResourceType): string {
  const scope = resource.isNamespaced ? "namespaces/{namespace}/" : "";
  return `/${rootOf(resource)}/${scope}${resource.plural}/{name}`;
}

function patchOperation({ group, version, kind }: ResourceType): object {
  return {
    parameters: [{ name: "fieldValidation", in: "query", schema: { type: "string", uniqueItems: true } }],
    responses: { "200": { description: "OK" } },
    "x-kubernetes-action": "patch",
    "x-kubernetes-group-version-kind": { group, version, kind },
  };
}
