// The store's events as a watch with selectors receives them: an object that starts to match appears as ADDED, one that
// stops matching as DELETED.
import type { KubeObject } from "./objects.ts";
import type { StoreEvent } from "./store.ts";

/** Which objects a watch includes. */
export interface View {
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly matches: (object: KubeObject) => boolean;
}

/** One line of a watch, before it is encoded. */
export interface WatchLine {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: object;
}

/** Returns the watch event for a change, or undefined if the view does not include it. */
export function seenAs({ plural, namespace, matches }: View, event: StoreEvent): WatchLine | undefined {
  const { type, object, before } = event;
  if (event.plural !== plural || (namespace !== undefined && object.metadata.namespace !== namespace)) return undefined;
  const was = before !== undefined && matches(before);
  const is = type !== "DELETED" && matches(object);
  if (was && is) return { type: "MODIFIED", object };
  if (is) return { type: "ADDED", object };
  return was ? { type: "DELETED", object } : undefined;
}
