// Authentication and authorization: bearer tokens to users, users to RBAC rules. A user without rules is allowed
// everything, so that a demo needs none; a user with rules is allowed only what they say, so that tests can check a
// ClusterRole. This protects nothing: the emulator listens on loopback for tests and demos.
import { randomBytes } from "node:crypto";
import type { RequestInfo } from "./request-info.ts";
import { qualifiedName } from "./resources.ts";
import { forbiddenRequest, quote, StatusError } from "./status.ts";

/** An authenticated user (authentication.k8s.io/v1). */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** As in a Role or ClusterRole (rbac.authorization.k8s.io/v1); "*" stands for all. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  /** Whole paths, or beginnings that end in "*". */
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

/** Default user of a kubeconfig. */
export const ADMIN = "kubernetes-admin";

/** Users, their tokens and their rules. */
export interface Access {
  /** Returns a bearer token for the user; the same one each time. */
  tokenFor(username: string): string;
  userOf(token: string): UserInfo | undefined;
  /**
   * Restricts the user to what the rules allow, everywhere or in one namespace as a RoleBinding does. Further calls add
   * rules.
   */
  grant(username: string, rules: readonly PolicyRule[], namespace?: string): void;
  /** Throws Forbidden with RBAC's message. */
  authorize(user: UserInfo, request: RequestInfo): void;
  /** Reports whether a rule allows the user this; one without rules may nothing, as on a real cluster. */
  isGranted(user: UserInfo, access: GrantedAccess): boolean;
  /** Reports whether the user may answer requests for this signer; one without rules may. */
  maySign(user: UserInfo, signerName: string): boolean;
}

/** Access to a resource that the emulator does not serve, or to a path. */
export type GrantedAccess =
  | { readonly verb: string; readonly path: string }
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly namespace?: string | undefined;
      readonly name?: string | undefined;
    };

/** Creates access control in which every known user may do everything until it is restricted. */
export function createAccess(): Access {
  const tokens = new Map<string, string>();
  const grants = new Map<string, { readonly rule: PolicyRule; readonly namespace: string | undefined }[]>();

  return {
    tokenFor(username) {
      const known = Array.from(tokens).find(([, name]) => name === username)?.[0];
      const token = known ?? randomBytes(24).toString("base64url");
      tokens.set(token, username);
      return token;
    },
    userOf(token) {
      const username = tokens.get(token);
      return username === undefined ? undefined : { username, groups: userGroups(username) };
    },
    grant(username, rules, namespace) {
      const more = rules.map((rule) => ({ rule, namespace }));
      grants.set(username, [...(grants.get(username) ?? []), ...more]);
    },
    authorize(user, request) {
      const granted = grants.get(user.username);
      if (granted === undefined) return;
      const allowed = granted.some(
        ({ rule, namespace }) =>
          (namespace === undefined || namespace === placeOf(request)) && coversRequest(rule, request),
      );
      if (!allowed) throw forbiddenError(user, request);
    },
    maySign(user, name) {
      const access = { verb: "sign", group: "certificates.k8s.io", resource: "signers", name };
      return !grants.has(user.username) || this.isGranted(user, access);
    },
    isGranted({ username }, access) {
      return (grants.get(username) ?? []).some(({ rule, namespace }) => {
        // A RoleBinding grants no path (https://kubernetes.io/docs/reference/access-authn-authz/rbac/).
        if ("path" in access) return namespace === undefined && coversPath(rule, access);
        return (namespace === undefined || namespace === access.namespace) && coversResource(rule, access);
      });
    },
  };
}

/**
 * A namespace is in itself, so that a RoleBinding there grants access to it
 * (https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go).
 */
function placeOf({ namespace, resource, name }: RequestInfo): string | undefined {
  return qualifiedName(resource) === "namespaces" ? name : namespace;
}

function coversPath(
  { nonResourceURLs = [], verbs }: PolicyRule,
  access: { readonly verb: string; readonly path: string },
) {
  const covers = (url: string) => (url.endsWith("*") ? access.path.startsWith(url.slice(0, -1)) : url === access.path);
  return includesOrAll(verbs, access.verb) && nonResourceURLs.some(covers);
}

function coversResource(
  { apiGroups, resources, resourceNames = [], verbs }: PolicyRule,
  { verb, group, resource, name = "" }: Exclude<GrantedAccess, { readonly path: string }>,
): boolean {
  const isNamed = resourceNames.length === 0 || resourceNames.includes(name);
  return includesOrAll(verbs, verb) && includesOrAll(apiGroups, group) && includesOrAll(resources, resource) && isNamed;
}

/** Returns the groups of a user, which the API server derives from the name. */
export function userGroups(username: string): readonly string[] {
  if (username === ADMIN) return ["system:masters", "system:authenticated"];
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(username) ?? [];
  if (username.startsWith("system:node:")) return ["system:nodes", "system:authenticated"];
  const account = namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  return [...account, "system:authenticated"];
}

function coversRequest({ apiGroups, resources, resourceNames, verbs }: PolicyRule, request: RequestInfo): boolean {
  const { verb, resource, subresource, name } = request;
  const full = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  return (
    includesOrAll(verbs, verb) &&
    includesOrAll(apiGroups, resource.group) &&
    includesOrAll(resources, full) &&
    // A create has no name yet at this point; lists and watches have one if a field selector names an object.
    (resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(name ?? ""))
  );
}

function includesOrAll(list: readonly string[] | undefined, item: string): boolean {
  return list !== undefined && (list.includes("*") || list.includes(item));
}

function forbiddenError(
  { username }: UserInfo,
  { verb, resource, subresource, namespace, name = "" }: RequestInfo,
): StatusError {
  const full = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace ${quote(namespace)}`;
  const why = `User ${quote(username)} cannot ${verb} resource ${quote(full)} in API group ${quote(resource.group)} ${where}`;
  const error = forbiddenRequest(resource, name, why);
  if (subresource === undefined) return error;
  const what = name === "" ? full : `${qualifiedName(resource)}/${subresource} ${quote(name)}`;
  return new StatusError(403, "Forbidden", `${what} is forbidden: ${why}`, error.body.details);
}
