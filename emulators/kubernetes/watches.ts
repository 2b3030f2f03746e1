// Open watches. States of a watch: events since its version → each event as it happens, a bookmark a minute → ended by
// timeoutSeconds, by the client, by a fault, or by close(). The end releases its timers and its subscription.
import type { ServerResponse } from "node:http";
import type { Clock } from "../../src/runtime/clock.ts";
import type { ApiServerFaults } from "./faults.ts";
import type { RequestInfo } from "./request-info.ts";
import { groupVersion } from "./resources.ts";
import { seenAs, type View, type WatchLine } from "./selected-watch.ts";
import { parseSelection } from "./selectors.ts";
import { expiredError, type StatusError } from "./status.ts";
import type { Store, StoreEvent } from "./store.ts";

/** All open watches. */
export interface Watches {
  /**
   * Throws StatusError before the first byte; afterwards this function owns the response. `present` prepares objects.
   */
  serve(info: RequestInfo, response: ServerResponse, present: (object: object) => object): void;
  /** Ends all watches without an event. */
  drop(): void;
  readonly size: number;
}

/** The API server's default for a watch without a timeout is 30 to 60 minutes. */
const DEFAULT_WATCH_TIMEOUT_SECONDS = 1800;

/** Creates the watches of a store. `bookmarkMs`: milliseconds between bookmarks. */
export function createWatches(
  { store, clock, faults }: { readonly store: Store; readonly clock: Clock; readonly faults: () => ApiServerFaults },
  { bookmarkMs }: { readonly bookmarkMs: number },
): Watches {
  const open = new Set<ServerResponse>();

  return {
    serve(info, response, present) {
      const { resource, namespace, query } = info;
      const view: View = { plural: resource.plural, namespace, matches: parseSelection(query, resource) };
      const past = eventsSince(store, view, query.get("resourceVersion") ?? "");
      if (past === undefined && faults().goneAs === "status") throw tooOld(query.get("resourceVersion") ?? "", store);

      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      const write = (line: WatchLine | undefined) => {
        if (line === undefined || (faults().stall && faults().only(info))) return;
        const object = line.type === "ERROR" ? line.object : present(line.object);
        response.write(`${JSON.stringify({ type: line.type, object })}\n`);
      };
      if (past === undefined) {
        write({ type: "ERROR", object: tooOld(query.get("resourceVersion") ?? "", store).body });
        response.end();
        return;
      }
      for (const line of past) write(line);

      open.add(response);
      const stopEvents = store.onChange((event) => write(seenAs(view, event)));
      const wantsBookmarks = query.get("allowWatchBookmarks") === "true";
      const from = query.get("resourceVersion") ?? "";
      // A bookmark without news is not sent: a watch of an unchanged cluster receives nothing.
      const mark = () => store.resourceVersion() !== from && write(bookmarkLine(info, store));
      const stopBookmarks = wantsBookmarks ? repeatEvery(clock, bookmarkMs, mark) : () => {};
      const seconds = Number(query.get("timeoutSeconds")) || DEFAULT_WATCH_TIMEOUT_SECONDS;
      const stopTimeout = clock.schedule(() => response.end(), seconds * 1000);
      response.on("close", () => {
        open.delete(response);
        stopEvents();
        stopBookmarks();
        stopTimeout();
      });
    },
    drop() {
      for (const response of open) response.socket?.destroy();
    },
    get size() {
      return open.size;
    },
  };
}

/**
 * Returns the events after `resourceVersion`; for "" or "0", the present objects as ADDED. Returns undefined if the
 * version has expired.
 */
function eventsSince(store: Store, view: View, resourceVersion: string): readonly WatchLine[] | undefined {
  if (resourceVersion === "" || resourceVersion === "0") {
    const present = store.list(view.plural, view.namespace).filter(view.matches);
    return present.map((object) => ({ type: "ADDED", object }));
  }
  return store.since(resourceVersion)?.flatMap((event: StoreEvent) => seenAs(view, event) ?? []);
}

function tooOld(resourceVersion: string, store: Store): StatusError {
  return expiredError(`too old resource version: ${resourceVersion} (${store.resourceVersion()})`);
}

function bookmarkLine({ resource }: RequestInfo, store: Store): WatchLine {
  const metadata = { resourceVersion: store.resourceVersion(), creationTimestamp: null };
  return { type: "BOOKMARK", object: { kind: resource.kind, apiVersion: groupVersion(resource), metadata } };
}

function repeatEvery(clock: Clock, everyMs: number, task: () => void): () => void {
  let cancel = () => {};
  const again = () => {
    cancel = clock.schedule(() => {
      task();
      again();
    }, everyMs);
  };
  again();
  return () => cancel();
}
