// List and watch, the two requests of a reflector. Unlike the client library's own watch, malformed lines and ERROR
// lines end the watch with an error, bookmarks are requested, and the API server's reason and Retry-After are passed
// on.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes)
import type { ListPage, ListWatch, OperatorResource, Resource, Selector, WatchEvent } from "./api.ts";
import { ApiError, type ApiStatus, type RbacRequest, requestRejected } from "./errors.ts";
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

/** Creates the list and watch requests for the selected objects of one resource. */
export function createListWatch<Item>(
  { requester }: { readonly requester: Requester },
  resource: Resource | OperatorResource,
  selector: Selector = {},
): ListWatch<Item> {
  const { namespace, labelSelector, fieldSelector } = selector;
  const path = pathOf(resource, namespace === undefined ? {} : { namespace });
  const selected = { labelSelector, fieldSelector };

  return {
    name: namespace === undefined ? resource : `${resource} in ${namespace}`,

    async list({ limit, next, signal }): Promise<ListPage<Item>> {
      const query = { ...selected, limit: limit === 0 ? undefined : limit, continue: next };
      const body = await requester.request<ListBody<Item>>(
        { verb: "list", resource, namespace },
        { path, query, signal },
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
      const lines = await requester.stream(info, { path, query }, signal);
      yield { type: "OPENED" };
      for await (const line of lines) {
        if (line !== "") yield readEvent<Item>(info, line);
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
