// Parses verb, resource and name of a request, as the API server does before it authorizes the request (RequestInfo).
// (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb)
import { findResource, type ResourceType } from "./resources.ts";
import { methodNotSupported, unknownPath } from "./status.ts";

/** A verb in RBAC's terms. */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";

/** What a request addresses. */
export interface RequestInfo {
  readonly verb: Verb;
  readonly resource: ResourceType;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** The part of the path after pods/NAME/proxy or services/NAME/proxy. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

const RESOURCE_PATH =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+)(?=\/(?!status$)))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[^/]+)(?<rest>\/.*)?)?$/;

/** Throws NotFound for paths that are not served and MethodNotAllowed for methods that a resource lacks. */
export function readRequestInfo(method: string, url: URL): RequestInfo {
  const {
    group = "",
    version = "v1",
    namespace,
    plural = "",
    name,
    subresource,
    rest = "",
  } = RESOURCE_PATH.exec(url.pathname)?.groups ?? {};
  const resource = findResource(group, version, plural);
  const isPlaced = resource?.isNamespaced === true || namespace === undefined;
  const isKnown = subresource === undefined || resource?.subresources.includes(subresource);
  if (rest !== "" && subresource !== "proxy") throw unknownPath();
  if (resource === undefined || !isPlaced || !isKnown) throw unknownPath();
  const { searchParams: query } = url;
  const info = { resource, subresource, namespace: decodeSegment(namespace), name: decodeSegment(name), rest, query };
  return { ...info, verb: verbOf(method, info), name: info.name ?? selectedName(query) };
}

function verbOf(method: string, { resource, subresource, namespace, name, query }: Omit<RequestInfo, "verb">): Verb {
  const isCollection = name === undefined;
  switch (method) {
    case "GET":
    case "HEAD":
      if (resource.isVirtual) throw methodNotSupported();
      if (isWatch(query)) return "watch";
      return isCollection ? "list" : "get";
    case "POST":
      if (isCollection === (subresource !== undefined) || (resource.isNamespaced && namespace === undefined)) {
        throw methodNotSupported();
      }
      return "create";
    case "PUT":
    case "PATCH":
    case "DELETE":
      if (isCollection || resource.isVirtual) throw methodNotSupported();
      if (method === "DELETE") return "delete";
      return method === "PUT" ? "update" : "patch";
    default:
      throw methodNotSupported();
  }
}

function isWatch(query: URLSearchParams): boolean {
  const watch = query.get("watch");
  return watch !== null && watch !== "false" && watch !== "0";
}

/** RBAC's resourceNames cover a list or watch whose field selector names one object. */
function selectedName(query: URLSearchParams): string | undefined {
  return /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get("fieldSelector") ?? "")?.[1];
}

function decodeSegment(part: string | undefined): string | undefined {
  if (part === undefined) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw unknownPath();
  }
}
