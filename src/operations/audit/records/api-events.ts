// The API server's audit log (audit.k8s.io/v1, one event a line): who created a pod, and who requested the token that
// proved its identity. Two joins are exact: the webhook writes the uid of its AdmissionReview into the event of the
// pod's creation, and the API server writes a token's credential ID into the event of the request that created the
// token (https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/). The third one is by the
// pod's full name, which later pods may have too. Creations for which the webhook was not called count as well: its
// matchConditions leave out pods that opt out, and whoever creates one may remove that annotation afterwards.
import { parseJson } from "../../../runtime/json-object.ts";
import { fieldsAt, listAt, numberAt, textAt, timeOf } from "./json-fields.ts";

const REQUEST_ANNOTATION = "pods.podrole.io/request";
const ISSUED_CREDENTIAL_ID = "authentication.kubernetes.io/issued-credential-id";
/** The webhook cuts the user's name after this many characters. */
const MAX_USER_LENGTH = 256;

/** The fields of an audit event that answers use. */
export interface ApiEvent {
  /** Unix milliseconds at which the API server received the request. */
  readonly at: number;
  readonly auditId: string | undefined;
  readonly user: string;
  /** User that `user` impersonates, as with `kubectl --as`. */
  readonly impersonated: string | undefined;
  readonly sourceIps: readonly string[];
  readonly userAgent: string | undefined;
  readonly verb: string;
  /** Such as "pods" or "serviceaccounts/token". */
  readonly resource: string;
  readonly namespace: string | undefined;
  /** Undefined for the creation of a pod whose name the API server generated. */
  readonly name: string | undefined;
  /** uid of the AdmissionReview that podrole answered. */
  readonly request: string | undefined;
  /** "JTI=…" of the token that this request created. */
  readonly credentialId: string | undefined;
  /** True if the API server refused the request: also a pod that was admitted may be, as with 409 AlreadyExists. */
  readonly isRefused: boolean;
}

/** Undefined if the line is not an audit event, or an event of a request that has not completed. */
export function readApiEvent(line: string): ApiEvent | undefined {
  // Most events of a cluster are about other requests: they are skipped without being parsed.
  const isOfPods = line.includes('"create"') && line.includes('"pods"');
  if (!isOfPods && !line.includes(REQUEST_ANNOTATION) && !line.includes(ISSUED_CREDENTIAL_ID)) return undefined;
  const event = parseJson(line.slice(Math.max(line.indexOf("{"), 0)));
  const at = timeOf(textAt(event, "requestReceivedTimestamp"));
  const [user, verb] = [textAt(event, "user", "username"), textAt(event, "verb")];
  if (at === undefined || user === undefined || verb === undefined) return undefined;
  if (textAt(event, "stage") !== "ResponseComplete") return undefined;
  const subresource = textAt(event, "objectRef", "subresource");
  const annotations = fieldsAt(event, "annotations");
  const read: ApiEvent = {
    at,
    auditId: textAt(event, "auditID"),
    user,
    impersonated: textAt(event, "impersonatedUser", "username"),
    sourceIps: listAt(event, "sourceIPs").filter((address) => typeof address === "string"),
    userAgent: textAt(event, "userAgent"),
    verb,
    resource: [textAt(event, "objectRef", "resource") ?? "", subresource].filter(Boolean).join("/"),
    namespace: textAt(event, "objectRef", "namespace"),
    name: textAt(event, "objectRef", "name"),
    request: textAt(annotations, REQUEST_ANNOTATION),
    credentialId: textAt(annotations, ISSUED_CREDENTIAL_ID),
    isRefused: (numberAt(event, "responseStatus", "code") ?? 0) >= 400,
  };
  return isPodCreation(read) || (read.request ?? read.credentialId) !== undefined ? read : undefined;
}

function isPodCreation({ verb, resource }: ApiEvent): boolean {
  return verb === "create" && resource === "pods";
}

/** The events that an answer needs, by the value that joins them. */
export interface ApiJoin {
  add(event: ApiEvent): void;
  creation(request: string | undefined): ApiEvent | undefined;
  token(credentialId: string | undefined): ApiEvent | undefined;
  /** The latest event until `until` (Unix milliseconds) that created the pod under its full name. */
  namedCreation(pod: { readonly namespace: string; readonly pod: string }, until: number): ApiEvent | undefined;
  /**
   * Users who until `until` (Unix milliseconds) created pods of the namespace under generated names without a call of
   * the webhook: the log does not say which pods.
   */
  generatedBy(namespace: string, until: number): readonly string[];
}

/** Creates a join that stores only events with one of these keys. */
export function createApiJoin({
  requests,
  credentialIds,
  pods,
}: {
  readonly requests: ReadonlySet<string>;
  readonly credentialIds: ReadonlySet<string>;
  /** As "namespace/name". */
  readonly pods: ReadonlySet<string>;
}): ApiJoin {
  /** By "namespace/name" of the pod. */
  const named = new Map<string, ApiEvent[]>();
  const creations = new Map<string, ApiEvent>();
  const tokens = new Map<string, ApiEvent>();
  /** By namespace and user, when the first of these pods was created. */
  const generated = new Map(
    Array.from(pods, (pod) => [pod.slice(0, pod.indexOf("/")), new Map<string, number>()] as const),
  );

  function addCreation(event: ApiEvent): void {
    const { namespace = "", name, at, request } = event;
    if (name === undefined) {
      const firsts = request === undefined ? generated.get(namespace) : undefined;
      const user = userOf(event);
      firsts?.set(user, Math.min(firsts.get(user) ?? at, at));
      return;
    }
    const pod = `${namespace}/${name}`;
    const others = named.get(pod);
    if (others) others.push(event);
    else if (pods.has(pod)) named.set(pod, [event]);
  }

  return {
    add(event) {
      if (event.request !== undefined && requests.has(event.request)) creations.set(event.request, event);
      if (event.credentialId !== undefined && credentialIds.has(event.credentialId))
        tokens.set(event.credentialId, event);
      if (isPodCreation(event) && !event.isRefused) addCreation(event);
    },
    generatedBy: (namespace, until) =>
      [...(generated.get(namespace) ?? [])].flatMap(([user, first]) => (first <= until ? [user] : [])),
    namedCreation: ({ namespace, pod }, until) =>
      named
        .get(`${namespace}/${pod}`)
        ?.filter(({ at }) => at <= until)
        .toSorted((a, b) => b.at - a.at)[0],
    creation: (request) => (request === undefined ? undefined : creations.get(request)),
    token: (credentialId) => (credentialId === undefined ? undefined : tokens.get(credentialId)),
  };
}

/** Returns the user as the webhook sees it: the impersonated one, if there is one. */
export function userOf({ user, impersonated }: Pick<ApiEvent, "user" | "impersonated">): string {
  return (impersonated ?? user).slice(0, MAX_USER_LENGTH);
}
