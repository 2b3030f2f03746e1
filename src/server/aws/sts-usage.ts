// Counts the calls to STS that each namespace needs, to name the one that needs most. Two windows of a minute each: the
// current one and the one before; a count ends with the minute after its own. There is no timer: windows change at the
// next call.
import type { Clock } from "../../runtime/clock.ts";

/** The namespace that needed most calls, and its part of all calls, above 0 and up to 1. */
export interface TopNamespace {
  readonly namespace: string;
  readonly share: number;
}

/** A namespace, and the calls that it needed. */
export interface NamespaceCalls extends TopNamespace {
  readonly calls: number;
}

/** The namespaces with most calls. */
export interface WindowUsage {
  /** Length of the window. */
  readonly windowMs: number;
  readonly namespaces: readonly NamespaceCalls[];
}

export interface StsUsage {
  /** Counts one call. */
  record(namespace: string): void;
  /** Returns the namespace with most calls in the last one to two minutes; undefined if there were none. */
  top(): TopNamespace | undefined;
  /** Returns the namespaces with most calls in the same time, at most 100, with their shares of all calls. */
  list(): WindowUsage;
}

const WINDOW_MS = 60_000;
const MAX_LISTED_NAMESPACES = 100;

/** Creates a usage without calls. */
export function createStsUsage({ clock }: { readonly clock: Clock }): StsUsage {
  let current = new Map<string, number>();
  let previous = new Map<string, number>();
  let startedAt = clock.elapsedMs();

  function turn(): void {
    const passedMs = clock.elapsedMs() - startedAt;
    if (passedMs < WINDOW_MS) return;
    previous = passedMs < 2 * WINDOW_MS ? current : new Map();
    current = new Map();
    startedAt = clock.elapsedMs();
  }

  /** The one with most calls first; of equals, the one that began first. */
  function listed(): readonly NamespaceCalls[] {
    turn();
    const names = [...new Set([...current.keys(), ...previous.keys()])];
    const callsOf = (namespace: string) => (current.get(namespace) ?? 0) + (previous.get(namespace) ?? 0);
    const all = names.reduce((sum, namespace) => sum + callsOf(namespace), 0);
    const counts = names.map((namespace) => {
      return { namespace, calls: callsOf(namespace), share: callsOf(namespace) / all };
    });
    return counts.toSorted((a, b) => b.calls - a.calls);
  }

  return {
    record(namespace) {
      turn();
      current.set(namespace, (current.get(namespace) ?? 0) + 1);
    },
    top() {
      const [first] = listed();
      return first && { namespace: first.namespace, share: first.share };
    },
    list() {
      const namespaces = listed();
      const windowMs = clock.elapsedMs() - startedAt + (previous.size > 0 ? WINDOW_MS : 0);
      return { windowMs, namespaces: namespaces.slice(0, MAX_LISTED_NAMESPACES) };
    },
  };
}
