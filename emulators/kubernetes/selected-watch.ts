// What a watch with selectors sees of the store's events: an object that comes to match appears as ADDED, one that
// ceases to match as DELETED.
import type { KubeObject } from "./objects.ts";
import type { StoreEvent } from "./store.ts";

export interface View {
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly matches: (object: KubeObject) => boolean;
}

export interface WatchLine {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

/** The line for an event, or undefined when the view does not show it. */
export function seenAs({ plural, namespace, matches }: View, event: StoreEvent): WatchLine | undefined {
  const { type, object, before } = event;
  if (event.plural !== plural || (namespace !== undefined && object.metadata.namespace !== namespace)) return undefined;
  const was = before !== undefined && matches(before);
  const is = type !== "DELETED" && matches(object);
  if (was && is) return { type: "MODIFIED", object };
  if (is) return { type: "ADDED", object };
  return was ? { type: "DELETED", object } : undefined;
}
