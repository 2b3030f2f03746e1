// Counts the calls to STS that each namespace needs, to name the one that needs most. Two windows of a minute each: the
// current one and the one before; a count ends with the minute after its own. There is no timer: windows change at the
// next call.
import type { Clock } from "../../runtime/clock.ts";

/** The namespace that needed most calls, and its part of all calls, above 0 and up to 1. */
export interface TopNamespace {
  readonly namespace: string;
  readonly share: number;
}

export interface StsUsage {
  /** Counts one call. */
  record(namespace: string): void;
  /** Returns the namespace with most calls in the last one to two minutes; undefined if there were none. */
  top(): TopNamespace | undefined;
}

const WINDOW_MS = 60_000;

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

  return {
    record(namespace) {
      turn();
      current.set(namespace, (current.get(namespace) ?? 0) + 1);
    },
    top() {
      turn();
      let all = 0;
      let found: { readonly namespace: string; readonly calls: number } | undefined;
      for (const namespace of new Set([...current.keys(), ...previous.keys()])) {
        const calls = (current.get(namespace) ?? 0) + (previous.get(namespace) ?? 0);
        all += calls;
        if (found === undefined || calls > found.calls) found = { namespace, calls };
      }
      return found && { namespace: found.namespace, share: found.calls / all };
    },
  };
}
