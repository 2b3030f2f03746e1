// The calls of an operator's commands, made with the operator's own rights: whole objects of more kinds, reviews of
// rights, pages and logs of pods through the API server. None of podrole's long-running programs uses them.

import { Secret } from "../runtime/secret.ts";
import type { Kubernetes, OperatorResource, Resource, Selector } from "./api.ts";
import { NOT_FOUND, type ObjectPlace } from "./calls.ts";
import { ApiError, type RbacRequest } from "./errors.ts";
import type { StreamLine } from "./lines.ts";
import { readPages } from "./list-pages.ts";
import { createListWatch } from "./list-watch.ts";
import { pathOf } from "./paths.ts";
import type { ApiCall, Requester } from "./request.ts";

type AnyResource = Resource | OperatorResource;

/** Returns what is kept of an object as it is in JSON; undefined if nothing is. */
type Projection = (item: never) => unknown;
type Projected<Project extends Projection> = Exclude<ReturnType<Project>, undefined>;

/** Every call throws ApiError. */
export interface OperatorCalls {
  /** Returns the object as it is in JSON, or undefined if there is none. */
  read<Body>(resource: AnyResource, place: ObjectPlace): Promise<Body | undefined>;
  /** Returns all objects, read page by page; they have no `apiVersion` and `kind`. */
  listAll<Item>(resource: AnyResource, selector?: Selector): Promise<readonly Item[]>;
  /**
   * As listAll(), but keeps of each object only what `project` returns, and nothing if that is undefined: one page at a
   * time is in memory.
   */
  listProjected<Project extends Projection>(
    resource: AnyResource,
    project: Project,
    selector?: Selector,
  ): Promise<readonly Projected<Project>[]>;
  /** Returns the created object; with `dryRun`, the object that would have been created. */
  createObject<Body>(
    resource: AnyResource,
    body: object,
    options?: { readonly namespace?: string; readonly dryRun?: boolean },
  ): Promise<Body>;
  /** Deletes the object and returns whether there was one. `graceSeconds` is the time for containers to stop. */
  remove(resource: AnyResource, place: ObjectPlace, options?: { readonly graceSeconds?: number }): Promise<boolean>;
  /** Reads a page of a pod over plain HTTP through the API server's proxy. */
  readPage(
    pod: { readonly namespace: string; readonly name: string },
    port: number,
    path: string,
  ): Promise<{ readonly status: number; readonly text: string }>;
  /**
   * Reads a page behind the API server's proxy, to a pod or to a Service. `name` is the proxy's: scheme, name and port,
   * such as "https:podrole-server:state".
   */
  readProxied(
    target: { readonly resource: "pods" | "services"; readonly namespace: string; readonly name: string },
    call: Pick<ApiCall, "query" | "headers"> & { readonly path: string },
  ): Promise<{ readonly status: number; readonly text: string }>;
  /** Requests a token of a ServiceAccount for one audience, bound to no object. */
  requestToken(
    account: { readonly namespace: string; readonly name: string },
    token: { readonly audience: string; readonly lifetimeSeconds: number },
  ): Promise<Secret>;
  /** Returns the log of a container so far. */
  readLog(pod: { readonly namespace: string; readonly name: string }, container: string): Promise<string>;
  /** Streams the log of a container line by line, without a limit on its size. `signal` ends it. */
  streamLog(
    pod: { readonly namespace: string; readonly name: string },
    container: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<string>>;
}

/** All calls that an operator's command can make. */
export type OperatorKubernetes = Kubernetes &
  OperatorCalls & {
    /** The namespace that kubectl uses without -n. */
    readonly contextNamespace: string;
  };

const PAGE_SIZE = 500;
/** No program writes longer ones; a log without line feeds must not take all memory. */
const MAX_LOG_LINE_BYTES = 16 * 1024 * 1024;
/** Background deletion is the API server's default for all but its oldest kinds. */
const deleteOptions = (graceSeconds: number | undefined) => ({
  apiVersion: "v1",
  kind: "DeleteOptions",
  ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
});

/** Creates the calls of an operator's commands on top of a requester. */
export function createOperatorCalls({ requester }: { readonly requester: Requester }): OperatorCalls {
  async function listProjected<Project extends Projection>(
    resource: AnyResource,
    project: Project,
    selector?: Selector,
  ): Promise<readonly Projected<Project>[]> {
    const source = createListWatch<never>({ requester }, resource, selector);
    const { signal } = new AbortController();
    let kept: Projected<Project>[] = [];
    const reader = {
      onStart() {
        kept = [];
      },
      onPage(page: readonly never[]) {
        for (const item of page) {
          const part = project(item);
          if (part !== undefined) kept.push(part as Projected<Project>);
        }
      },
    };
    await readPages<never>(source, { limit: PAGE_SIZE, signal }, reader);
    return kept;
  }

  return {
    async read<Body>(resource: AnyResource, place: ObjectPlace) {
      const body = await requester.request<Body>(
        { verb: "get", resource, ...place },
        { path: pathOf(resource, place) },
        [NOT_FOUND],
      );
      return typeof body === "number" ? undefined : body;
    },

    listProjected,

    async listAll<Item>(resource: AnyResource, selector?: Selector) {
      return (await listProjected(resource, (item) => item, selector)) as readonly Item[];
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
      const info = { verb: "delete", resource, ...place } as const;
      const call = { path: pathOf(resource, place), body: deleteOptions(graceSeconds) };
      return typeof (await requester.request<object>(info, call, [NOT_FOUND])) !== "number";
    },

    async readPage({ namespace, name }, port, path) {
      const info: RbacRequest = { verb: "get", resource: "pods/proxy", namespace, name };
      const pod = pathOf("pods", { namespace, name: `${name}:${port}` });
      return requester.page(info, { path: `${pod}/proxy${path}` });
    },

    async readProxied({ resource, namespace, name }, { path, query, headers }) {
      const info: RbacRequest = { verb: "get", resource: `${resource}/proxy`, namespace, name };
      const target = pathOf(resource, { namespace, name });
      return requester.page(info, {
        path: `${target}/proxy${path}`,
        ...(query && { query }),
        ...(headers && { headers }),
      });
    },

    async requestToken({ namespace, name }, { audience, lifetimeSeconds }) {
      const info: RbacRequest = { verb: "create", resource: "serviceaccounts/token", namespace, name };
      const path = `${pathOf("serviceaccounts", { namespace, name })}/token`;
      const spec = { audiences: [audience], expirationSeconds: lifetimeSeconds };
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
      const answer = (await requester.request(info, { path, body })) as { status?: { token?: unknown } };
      const token = answer.status?.token;
      return new Secret(typeof token === "string" ? token : "");
    },

    async readLog({ namespace, name }, container) {
      const info: RbacRequest = { verb: "get", resource: "pods/log", namespace, name };
      const path = `${pathOf("pods", { namespace, name })}/log`;
      const { status, text } = await requester.page(info, { path, query: { container } });
      if (status > 299)
        throw new ApiError(status, "", `Cannot get pods/log "${namespace}/${name}": ${text.slice(0, 300)}`);
      return text;
    },

    async streamLog({ namespace, name }, container, signal) {
      const info: RbacRequest = { verb: "get", resource: "pods/log", namespace, name };
      const path = `${pathOf("pods", { namespace, name })}/log`;
      const call = { path, query: { container }, maxResponseBytes: MAX_LOG_LINE_BYTES };
      return wholeLines(await requester.stream(info, call, signal));
    },
  };
}

async function* wholeLines(lines: AsyncIterable<StreamLine>): AsyncIterable<string> {
  for await (const { text, isWhole } of lines) {
    if (!isWhole) {
      throw new ApiError(
        0,
        "",
        `Cannot get pods/log: a line has more than ${MAX_LOG_LINE_BYTES} bytes; expected fewer`,
      );
    }
    yield text;
  }
}
