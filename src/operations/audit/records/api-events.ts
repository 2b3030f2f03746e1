// The API server's audit log (audit.k8s.io/v1, one event a line): who created a pod, and who requested the token that
// proved its identity. Two joins are exact: the webhook writes the uid of its AdmissionReview into the event of the
// pod's creation, and the API server writes a token's credential ID into the event of the request that created the
// token (https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/). The third one is by the
// pod's full name, which later pods may have too.
import { parseJson } from "../../../runtime/json-object.ts";
import { fieldsAt, listAt, numberAt, textAt, timeOf } from "./json-fields.ts";

const REQUEST_ANNOTATION = "pods.podrole.io/request";
const ISSUED_CREDENTIAL_ID = "authentication.kubernetes.io/issued-credential-id";

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
  if (!line.includes(REQUEST_ANNOTATION) && !line.includes(ISSUED_CREDENTIAL_ID)) return undefined;
  const event = parseJson(line.slice(Math.max(line.indexOf("{"), 0)));
  const at = timeOf(textAt(event, "requestReceivedTimestamp"));
  const [user, verb] = [textAt(event, "user", "username"), textAt(event, "verb")];
  if (at === undefined || user === undefined || verb === undefined) return undefined;
  if (textAt(event, "stage") !== "ResponseComplete") return undefined;
  const subresource = textAt(event, "objectRef", "subresource");
  const annotations = fieldsAt(event, "annotations");
  return {
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
}

/** The events that an answer needs, by the value that joins them. */
export interface ApiJoin {
  add(event: ApiEvent): void;
  creation(request: string | undefined): ApiEvent | undefined;
  token(credentialId: string | undefined): ApiEvent | undefined;
  /** The latest event until `until` (Unix milliseconds) that created the pod under its full name. */
  namedCreation(pod: { readonly namespace: string; readonly pod: string }, until: number): ApiEvent | undefined;
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
  return {
    add(event) {
      if (event.request !== undefined && requests.has(event.request)) creations.set(event.request, event);
      if (event.credentialId !== undefined && credentialIds.has(event.credentialId))
        tokens.set(event.credentialId, event);
      const isCreation = event.verb === "create" && event.resource === "pods" && !event.isRefused;
      const pod = `${event.namespace}/${event.name}`;
      if (!isCreation || !pods.has(pod)) return;
      const others = named.get(pod);
      if (others) others.push(event);
      else named.set(pod, [event]);
    },
    namedCreation: ({ namespace, pod }, until) =>
      named
        .get(`${namespace}/${pod}`)
        ?.filter(({ at }) => at <= until)
        .toSorted((a, b) => b.at - a.at)[0],
    creation: (request) => (request === undefined ? undefined : creations.get(request)),
    token: (credentialId) => (credentialId === undefined ? undefined : tokens.get(credentialId)),
  };
}
