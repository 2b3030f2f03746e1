// The API server's audit log at level Metadata: user, request and outcome, and the annotations of admission webhooks.
// (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/)
import { randomUUID } from "node:crypto";
import type { Clock } from "../../src/runtime/clock.ts";
import type { UserInfo } from "./access.ts";
import { fieldAt } from "./objects.ts";
import type { RequestInfo } from "./request-info.ts";

/** An event of the audit log (audit.k8s.io/v1). */
export interface AuditEvent {
  readonly kind: "Event";
  readonly apiVersion: "audit.k8s.io/v1";
  readonly level: "Metadata";
  readonly auditID: string;
  /** ResponseStarted is used for watches, which may never complete. */
  readonly stage: "ResponseStarted" | "ResponseComplete";
  readonly requestURI: string;
  readonly verb: string;
  readonly user: UserInfo;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string;
  readonly objectRef: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly apiVersion: string;
  };
  readonly responseStatus: { readonly code: number; readonly reason?: string; readonly message?: string };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  /** Keys of webhooks are prefixed by the webhook's name: "pods.podrole.io/decision". */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The facts of a request that are known when it arrives. */
export interface RequestFacts {
  readonly requestURI: string;
  readonly userAgent: string;
  /** Unix milliseconds. */
  readonly receivedAt: number;
  readonly user: UserInfo;
  readonly info: RequestInfo;
  /**
   * The request body: the path of a POST does not contain the name, the body does, unless the API server generates it.
   * (k8s.io/apiserver/pkg/audit, LogRequestObject)
   */
  readonly sent: unknown;
}

/** The facts of a request once its response begins or ends. */
export interface AuditedResponse extends RequestFacts {
  readonly stage: AuditEvent["stage"];
  readonly code: number;
  /** The response: reason and message of a failure. */
  readonly body: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The newest events, oldest first. */
export interface AuditLog {
  readonly events: readonly AuditEvent[];
  record(response: AuditedResponse): void;
}

/** Number of events kept, so that a demo that runs for hours needs bounded memory. */
const MAX_EVENTS = 10_000;

/** Creates an empty audit log. */
export function createAuditLog({ clock }: { readonly clock: Clock }): AuditLog {
  const events: AuditEvent[] = [];
  return {
    events,
    record({ requestURI, userAgent, receivedAt, user, info, sent, stage, code, body, annotations = {} }) {
      const { reason, message } = body as { reason?: string; message?: string };
      const failure = code < 400 ? {} : { ...(reason && { reason }), ...(message && { message }) };
      events.push({
        kind: "Event",
        apiVersion: "audit.k8s.io/v1",
        level: "Metadata",
        auditID: randomUUID(),
        stage,
        requestURI,
        verb: info.verb,
        user,
        sourceIPs: ["127.0.0.1"],
        userAgent,
        objectRef: objectRef(info, objectNameOf(sent)),
        responseStatus: { code, ...failure },
        requestReceivedTimestamp: new Date(receivedAt).toISOString(),
        stageTimestamp: new Date(clock.now()).toISOString(),
        annotations,
      });
      if (events.length > MAX_EVENTS) events.shift();
    },
  };
}

function objectRef(info: RequestInfo, named: string | undefined): NonNullable<AuditEvent["objectRef"]> {
  const { resource, subresource, namespace, name = named } = info;
  return {
    resource: resource.plural,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(resource.group !== "" && { apiGroup: resource.group }),
    apiVersion: resource.version,
  };
}

function objectNameOf(object: unknown): string | undefined {
  const name = fieldAt(object, "metadata.name");
  return typeof name === "string" ? name : undefined;
}
