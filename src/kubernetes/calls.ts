// Get, create and patch one object, on top of a requester. What another writer can cause is a value and not an error:
// an object that is missing, exists already, or has changed.
import type { Resource } from "./api.ts";
import type { RbacRequest } from "./errors.ts";
import { ACCEPT_METADATA } from "./metadata-only.ts";
import type { ObjectMeta } from "./objects.ts";
import { pathOf } from "./paths.ts";
import type { Requester } from "./request.ts";

/** HTTP status of an object that does not exist. */
export const NOT_FOUND = 404;
/**
 * Bytes of one object as JSON. Tenants choose how large their objects are, and many calls read one each; an object that
 * the API server accepts is larger only if most of it is characters that JSON escapes.
 */
export const MAX_OBJECT_BYTES = 2 * 1024 * 1024;
/** Both "already exists" (create) and "not at this resourceVersion" (patch). */
export const CONFLICT = 409;

/** The name of an object, and its namespace if it has one. */
export interface ObjectPlace {
  readonly name: string;
  readonly namespace?: string;
}

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "add" | "replace";
  readonly path: string;
  readonly value: unknown;
}

/** The object to patch, and the version that it must still have. */
export interface PatchTarget {
  readonly name: string;
  readonly namespace?: string;
  readonly resourceVersion: string;
}

/** Calls for one object. They reject with ApiError, except for the outcomes that their types name. */
export interface Calls {
  /** Returns undefined if there is no such object. */
  get<Body>(resource: Resource, name: string, namespace?: string): Promise<Body | undefined>;
  /** Returns only the object's metadata, or undefined if there is no such object. */
  getMetadata(
    resource: Resource,
    name: string,
    namespace?: string,
  ): Promise<{ readonly metadata: ObjectMeta } | undefined>;
  create<Body>(
    resource: Resource,
    body: { readonly metadata?: ObjectMeta; readonly [field: string]: unknown },
  ): Promise<Body | "exists">;
  /** Writes `operations` if the object is still at `resourceVersion`; a deleted object is a conflict. */
  patch(
    resource: Resource,
    target: PatchTarget,
    operations: readonly PatchOperation[],
  ): Promise<"patched" | "conflict">;
  /** Writes the object's status as patch() does; for RBAC a status is a resource of its own. */
  patchStatus(
    resource: "podcertificaterequests",
    target: PatchTarget,
    operations: readonly PatchOperation[],
  ): Promise<"patched" | "conflict">;
}

/** Creates the calls. */
export function createCalls(requester: Requester): Calls {
  async function read<Body>(resource: Resource, place: ObjectPlace, accept?: string): Promise<Body | undefined> {
    const info = { verb: "get", resource, ...place } as const;
    const path = pathOf(resource, place);
    const call = { path, ...(accept !== undefined && { accept }), maxResponseBytes: MAX_OBJECT_BYTES };
    const body = await requester.request<Body>(info, call, [NOT_FOUND]);
    return typeof body === "number" ? undefined : body;
  }

  async function patch(
    { name, namespace, resourceVersion }: PatchTarget,
    operations: readonly PatchOperation[],
    { resource, path }: { readonly resource: RbacRequest["resource"]; readonly path: string },
  ): Promise<"patched" | "conflict"> {
    const lock: PatchOperation = { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion };
    const result = await requester.request<object>(
      { verb: "patch", resource, ...toPlace(name, namespace) },
      { path, body: [lock, ...operations] },
      [NOT_FOUND, CONFLICT],
    );
    return typeof result === "number" ? "conflict" : "patched";
  }

  return {
    get: (resource, name, namespace) => read(resource, toPlace(name, namespace)),

    async getMetadata(resource, name, namespace) {
      const found = await read<{ metadata: ObjectMeta }>(resource, toPlace(name, namespace), ACCEPT_METADATA);
      return found && { metadata: found.metadata };
    },

    async create<Body>(resource: Resource, body: { readonly metadata?: ObjectMeta }) {
      const { name, namespace } = body.metadata ?? {};
      const path = pathOf(resource, namespace === undefined ? {} : { namespace });
      const info = { verb: "create", resource, name, namespace } as const;
      const result = await requester.request<Body>(info, { path, body }, [CONFLICT]);
      return typeof result === "number" ? "exists" : result;
    },

    patch: (resource, target, operations) =>
      patch(target, operations, { resource, path: pathOf(resource, toPlace(target.name, target.namespace)) }),

    patchStatus: (resource, target, operations) =>
      patch(target, operations, {
        resource: `${resource}/status`,
        path: `${pathOf(resource, toPlace(target.name, target.namespace))}/status`,
      }),
  };
}

function toPlace(name: string, namespace: string | undefined): ObjectPlace {
  return { name, ...(namespace !== undefined && { namespace }) };
}
