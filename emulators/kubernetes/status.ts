// Error responses of the API server: metav1.Status, with the messages of k8s.io/apimachinery/pkg/api/errors.
import { qualifiedName, type ResourceType } from "./resources.ts";

/** One problem of one field (metav1.StatusCause). */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** A metav1.Status. */
export interface StatusBody {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: object;
  readonly status: "Failure";
  readonly message: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code: number;
}

/** An error response, thrown on its way to the client. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly body: StatusBody;

  constructor(code: number, reason: string, message: string, details?: StatusBody["details"]) {
    super(message);
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason !== "" && { reason }),
      ...(details && { details }),
      code,
    };
  }
}

function detailsOf(resource: ResourceType, name: string): NonNullable<StatusBody["details"]> {
  return { name, ...(resource.group !== "" && { group: resource.group }), kind: resource.plural };
}

/** 404: there is no such object. */
export function notFound(resource: ResourceType, name: string): StatusError {
  const message = `${qualifiedName(resource)} ${quote(name)} not found`;
  return new StatusError(404, "NotFound", message, detailsOf(resource, name));
}

/** 409: an object of this name exists. */
export function alreadyExists(resource: ResourceType, name: string): StatusError {
  const message = `${qualifiedName(resource)} ${quote(name)} already exists`;
  return new StatusError(409, "AlreadyExists", message, detailsOf(resource, name));
}

/** 409: the object has changed, or `why`. */
export function conflictError(resource: ResourceType, name: string, why: string = STALE_OBJECT_MESSAGE): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedName(resource)} ${quote(name)}: ${why}`;
  return new StatusError(409, "Conflict", message, detailsOf(resource, name));
}

const STALE_OBJECT_MESSAGE =
  "the object has been modified; please apply your changes to the latest version and try again";

/** 403 with the API server's message. */
export function forbiddenRequest(resource: ResourceType, name: string, why: string): StatusError {
  const what = name === "" ? qualifiedName(resource) : `${qualifiedName(resource)} ${quote(name)}`;
  return new StatusError(403, "Forbidden", `${what} is forbidden: ${why}`, detailsOf(resource, name));
}

/** `causes` are formatted as by `field.Error`: "spec.containers: Required value". */
export function invalidError(resource: ResourceType, name: string, causes: readonly StatusCause[]): StatusError {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = lines.length === 1 ? lines.join("") : `[${lines.join(", ")}]`;
  const kind = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  const details = { ...detailsOf(resource, name), kind: resource.kind, causes };
  return new StatusError(422, "Invalid", `${kind} ${quote(name)} is invalid: ${list}`, details);
}

/** 400: the request cannot be parsed or lacks a parameter. */
export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

/** 500: admission or the server failed. */
export function internalError(message: string): StatusError {
  const details = { causes: [{ reason: "InternalError", message, field: "" }] };
  return new StatusError(500, "InternalError", `Internal error occurred: ${message}`, details);
}

/** 401: no valid credentials. */
export function unauthorizedError(): StatusError {
  return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** 410: the resourceVersion or the continuation of a list is no longer available. */
export function expiredError(message: string): StatusError {
  return new StatusError(410, "Expired", message);
}

/** 404 for a path that the API does not have. */
export function unknownPath(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource");
}

/** 405 for a resource without this verb. */
export function methodNotSupported(): StatusError {
  return new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

/** 415 with the accepted types. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return new StatusError(415, "UnsupportedMediaType", message);
}

/** Formats as Go's %q does for the texts that occur here. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** Formats as Go's %q does for a list: `["a" "b"]`. */
export function quoteAll(texts: readonly string[]): string {
  return `[${texts.map(quote).join(" ")}]`;
}
