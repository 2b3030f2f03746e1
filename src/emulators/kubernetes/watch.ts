// One watch: what has changed since a version, then every change as it comes, and bookmarks between.
// It ends with the client's connection, at timeoutSeconds, or with the emulator.
import type { ServerResponse } from "node:http";
import type { Change, KubeObject, Store } from "./store.ts";
import { selects } from "./store.ts";

const BOOKMARK_EACH_MS = 10_000;

export function serveWatch(
  store: Store,
  resource: string,
  namespace: string | undefined,
  query: URLSearchParams,
  response: ServerResponse,
): void {
  const send = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
  const concerns = ({ resource: changed, object }: Change) =>
    changed === resource &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    selects(query, object as KubeObject);
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const past = store.since(Number(query.get("resourceVersion") || store.version));
  if (past === undefined) {
    send("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" });
    response.end();
    return;
  }
  for (const change of past.filter(concerns)) send(change.type, change.object);
  const unsubscribe = store.onChange((change) => {
    if (concerns(change)) send(change.type, change.object);
  });
  const bookmarks = setInterval(() => {
    if (query.get("allowWatchBookmarks") === "true")
      send("BOOKMARK", { metadata: { resourceVersion: String(store.version) } });
  }, BOOKMARK_EACH_MS);
  const end = setTimeout(() => response.end(), Number(query.get("timeoutSeconds") ?? 1800) * 1000);
  response.on("close", () => {
    unsubscribe();
    clearInterval(bookmarks);
    clearTimeout(end);
  });
}
