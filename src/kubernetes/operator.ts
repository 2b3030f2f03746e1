// What a person's command asks of the Kubernetes API with that person's own rights: whole objects of more kinds, reviews
// of rights, pages of pods through the API server's proxy. None of podrole's long-running programs uses this.
import type { Kubernetes, OperatorResource, Resource, Selector } from "./api.ts";
import { ApiError, type Asked } from "./errors.ts";
import { createListWatch } from "./list-watch.ts";
import { pathOf } from "./paths.ts";
import type { Requester } from "./request.ts";

type AnyResource = Resource | OperatorResource;

export interface Place {
  readonly name: string;
  readonly namespace?: string;
}

/** All throw ApiError. */
export interface OperatorCalls {
  /** The object as it stands in JSON; undefined when there is none. */
  read<Body>(resource: AnyResource, place: Place): Promise<Body | undefined>;
  /** All objects, page by page; they come without `apiVersion` and `kind`. */
  listAll<Item>(resource: AnyResource, selector?: Selector): Promise<readonly Item[]>;
  /** The object as it was created; with `dryRun`, as it would have been. */
  createObject<Body>(
    resource: AnyResource,
    body: object,
    options?: { readonly namespace?: string; readonly dryRun?: boolean },
  ): Promise<Body>;
  /** True when there was one. Running containers get `graceSeconds`. */
  remove(resource: AnyResource, place: Place, options?: { readonly graceSeconds?: number }): Promise<boolean>;
  /** A page of a pod, asked for by the API server; `port` is a number and the protocol plain HTTP. */
  readPage(
    pod: { readonly namespace: string; readonly name: string },
    port: number,
    path: string,
  ): Promise<{ readonly status: number; readonly text: string }>;
  /** What a container printed so far. */
  readLog(pod: { readonly namespace: string; readonly name: string }, container: string): Promise<string>;
  /** The same line by line, however much it is. */
  streamLog(
    pod: { readonly namespace: string; readonly name: string },
    container: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<string>>;
}

export type OperatorKubernetes = Kubernetes &
  OperatorCalls & {
    /** What kubectl would mean without -n. */
    readonly contextNamespace: string;
  };

const PAGE_SIZE = 500;
const NOT_FOUND = 404;
/** "In the background" is the API server's default for everything but its oldest kinds. */
const deletion = (graceSeconds: number | undefined) => ({
  apiVersion: "v1",
  kind: "DeleteOptions",
  ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
});

export function createOperatorCalls({ requester }: { readonly requester: Requester }): OperatorCalls {
  return {
    async read<Body>(resource: AnyResource, place: Place) {
      const body = await requester.request<Body>(
        { verb: "get", resource, ...place },
        { path: pathOf(resource, place) },
        [NOT_FOUND],
      );
      return typeof body === "number" ? undefined : body;
    },

    async listAll<Item>(resource: AnyResource, selector?: Selector) {
      const source = createListWatch<Item>({ requester }, resource, selector);
      const { signal } = new AbortController();
      const items: Item[] = [];
      let next: string | undefined;
      do {
        const page = await source.list({ limit: PAGE_SIZE, next, signal });
        items.push(...page.items);
        next = page.next;
      } while (next !== undefined);
      return items;
    },

    async createObject<Body>(
      resource: AnyResource,
      body: object,
      { namespace, dryRun = false }: { readonly namespace?: string; readonly dryRun?: boolean } = {},
    ) {
      const path = pathOf(resource, namespace === undefined ? {} : { namespace });
      const call = { path, body, ...(dryRun && { query: { dryRun: "All" } }) };
      return (await requester.request<Body>({ verb: "create", resource, namespace }, call)) as Body;
    },

    async remove(resource, place, { graceSeconds } = {}) {
      const asked = { verb: "delete", resource, ...place } as const;
      const call = { path: pathOf(resource, place), body: deletion(graceSeconds) };
      return typeof (await requester.request<object>(asked, call, [NOT_FOUND])) !== "number";
    },

    async readPage({ namespace, name }, port, path) {
      const asked: Asked = { verb: "get", resource: "pods/proxy", namespace, name };
      const pod = pathOf("pods", { namespace, name: `${name}:${port}` });
      return requester.page(asked, { path: `${pod}/proxy${path}` });
    },

    async readLog({ namespace, name }, container) {
      const asked: Asked = { verb: "get", resource: "pods/log", namespace, name };
      const path = `${pathOf("pods", { namespace, name })}/log`;
      const { status, text } = await requester.page(asked, { path, query: { container } });
      if (status > 299)
        throw new ApiError(status, "", `Cannot get pods/log "${namespace}/${name}": ${text.slice(0, 300)}`);
      return text;
    },

    async streamLog({ namespace, name }, container, signal) {
      const asked: Asked = { verb: "get", resource: "pods/log", namespace, name };
      const path = `${pathOf("pods", { namespace, name })}/log`;
      return requester.stream(asked, { path, query: { container } }, signal);
    },
  };
}
