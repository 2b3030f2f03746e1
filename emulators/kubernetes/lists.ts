// GET of a collection, in pages if the client requests them. All pages of a list show the same revision: the remaining
// objects are stored until they are fetched or the history is compacted (410).
import { randomBytes } from "node:crypto";
import type { ApiServerFaults } from "./faults.ts";
import type { KubeObject } from "./objects.ts";
import type { RequestInfo } from "./request-info.ts";
import { groupVersion } from "./resources.ts";
import { parseSelection } from "./selectors.ts";
import { expiredError } from "./status.ts";
import type { Store } from "./store.ts";

interface Remainder {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly epoch: number;
}

/** Limits the memory for clients that never fetch the next page. */
const MAX_REMAINDERS = 100;

/** Lists and their continuations. */
export interface Lists {
  /** Throws Expired for a continuation that no longer exists. */
  list(info: RequestInfo): object;
}

/** Creates the lists of a store's objects, with pages. */
export function createLists({
  store,
  faults,
}: {
  readonly store: Store;
  readonly faults: () => Pick<ApiServerFaults, "endlessLists" | "only">;
}): Lists {
  const remainders = new Map<string, Remainder>();

  function continued(token: string): Remainder {
    const found = remainders.get(token);
    remainders.delete(token);
    if (found === undefined || found.epoch !== store.epoch) {
      throw expiredError(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      );
    }
    return found;
  }

  function keep(remainder: Remainder): string {
    const token = randomBytes(12).toString("base64url");
    remainders.set(token, remainder);
    for (const oldest of remainders.keys()) {
      if (remainders.size <= MAX_REMAINDERS) break;
      remainders.delete(oldest);
    }
    return token;
  }

  function start({ resource, namespace, query }: RequestInfo): Remainder {
    const items = store.list(resource.plural, namespace).filter(parseSelection(query, resource));
    return { items, resourceVersion: store.resourceVersion(), epoch: store.epoch };
  }

  return {
    list(info) {
      const { resource, query } = info;
      const { endlessLists, only } = faults();
      if (endlessLists && only(info)) return endlessPage(info, store.resourceVersion());
      const token = query.get("continue") ?? "";
      const { items, resourceVersion, epoch } = token === "" ? start(info) : continued(token);
      const limit = Number(query.get("limit")) || items.length;
      const rest = items.slice(limit);
      const more =
        rest.length > 0
          ? { continue: keep({ items: rest, resourceVersion, epoch }), remainingItemCount: rest.length }
          : {};
      return {
        kind: `${resource.kind}List`,
        apiVersion: groupVersion(resource),
        metadata: { resourceVersion, ...more },
        items: items.slice(0, limit).map(withoutType),
      };
    },
  };
}

function endlessPage({ resource }: RequestInfo, resourceVersion: string): object {
  const metadata = { resourceVersion, continue: randomBytes(12).toString("base64url") };
  return { kind: `${resource.kind}List`, apiVersion: groupVersion(resource), metadata, items: [] };
}

/** Items carry no type: the list's kind implies it. */
function withoutType({ apiVersion: _version, kind: _kind, ...object }: KubeObject): object {
  return object;
}
