// List and watch, the two requests of a reflector. Unlike the client library's own watch, malformed lines and ERROR
// lines end the watch with an error, bookmarks are requested, and the API server's reason and Retry-After are passed
// on.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes)
import type { ListPage, ListWatch, OperatorResource, Resource, Selector, WatchEvent } from "./api.ts";
import { MAX_OBJECT_BYTES } from "./calls.ts";
import { ApiError, type ApiStatus, type RbacRequest, requestRejected } from "./errors.ts";
import { ACCEPT_METADATA, ACCEPT_METADATA_LIST } from "./metadata-only.ts";
import type { ObjectMeta } from "./objects.ts";
import { pathOf } from "./paths.ts";
import type { Requester } from "./request.ts";

interface ListBody<Item> {
  readonly items: readonly Item[] | null;
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
}

interface WatchMessage {
  readonly type: string;
  readonly object: { readonly metadata?: ObjectMeta } & ApiStatus;
}

/** What to list and watch. `isMetadataOnly`: without anything but each object's metadata. */
export interface ListWatchOptions extends Selector {
  readonly isMetadataOnly?: boolean;
}

/** Creates the list and watch requests for the selected objects of one resource. */
export function createListWatch<Item>(
  { requester }: { readonly requester: Requester },
  resource: Resource | OperatorResource,
  { namespace, labelSelector, fieldSelector, isMetadataOnly = false }: ListWatchOptions = {},
): ListWatch<Item> {
  const path = pathOf(resource, namespace === undefined ? {} : { namespace });
  const selected = { labelSelector, fieldSelector };

  return {
    name: namespace === undefined ? resource : `${resource} in ${namespace}`,

    async list({ limit, next, signal }): Promise<ListPage<Item>> {
      const query = { ...selected, limit: limit === 0 ? undefined : limit, continue: next };
      const body = await requester.request<ListBody<Item>>(
        { verb: "list", resource, namespace },
        { path, query, signal, ...(isMetadataOnly && { accept: ACCEPT_METADATA_LIST }) },
      );
      const { items, metadata } = body as ListBody<Item>;
      return {
        items: items ?? [],
        resourceVersion: metadata.resourceVersion ?? "",
        ...(metadata.continue && { next: metadata.continue }),
      };
    },

    async *watch({ resourceVersion, timeoutSeconds, signal }): AsyncIterable<WatchEvent<Item>> {
      const info: RbacRequest = { verb: "watch", resource, namespace };
      const query = { ...selected, watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
      const accept = isMetadataOnly ? ACCEPT_METADATA : undefined;
      const call = { path, query, ...(accept !== undefined && { accept }), maxResponseBytes: MAX_OBJECT_BYTES };
      const lines = await requester.stream(info, call, signal);
      yield { type: "OPENED" };
      for await (const { text, isWhole } of lines) {
        if (!isWhole) yield readStartOfEvent(info, text);
        else if (text !== "") yield readEvent<Item>(info, text);
      }
    },
  };
}

function readEvent<Item>(info: RbacRequest, line: string): WatchEvent<Item> {
  const { type, object } = parseLine(info, line);
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: object as Item };
    case "BOOKMARK":
      return { type, resourceVersion: object.metadata?.resourceVersion ?? "" };
    case "ERROR":
      throw requestRejected(info, object.code ?? 500, object);
    default:
      throw malformedEventError(info);
  }
}

/**
 * The API server writes the fields of an event, of an object and of its metadata in this order, so the names of an
 * object come before everything whose size its author chooses.
 */
const START_OF_EVENT =
  /^\{"type":"(?:ADDED|MODIFIED|DELETED)","object":\{(?:"(?:kind|apiVersion)":"[^"\\]*",)*"metadata":\{((?:"\w+":"[^"\\]*",)+)/;

function readStartOfEvent(info: RbacRequest, text: string): Extract<WatchEvent<never>, { type: "TOO_LARGE" }> {
  const fields = START_OF_EVENT.exec(text)?.[1];
  if (fields === undefined) throw malformedEventError(info);
  const metadata = JSON.parse(`{${fields.slice(0, -1)}}`) as ObjectMeta;
  if (metadata.name === undefined) throw malformedEventError(info);
  return { type: "TOO_LARGE", object: { metadata } };
}

function parseLine(info: RbacRequest, line: string): WatchMessage {
  try {
    const parsed = JSON.parse(line) as WatchMessage | null;
    if (typeof parsed?.type === "string" && typeof parsed.object === "object") return parsed;
  } catch {
    // The line itself is not part of the message: it may be a Secret.
  }
  throw malformedEventError(info);
}

function malformedEventError({ verb, resource }: RbacRequest): ApiError {
  return new ApiError(
    0,
    "Malformed",
    `Cannot ${verb} ${resource}: the Kubernetes API sent a line that is not a watch event`,
  );
}
