// pace.json in the identity directory: the pace of retries, so that a container that restarts while its pod waits for
// the server does not begin anew each time. It contains no secret, and a pod does without it.
import { readMemoryFile, removeMemoryFile, replaceMemoryFile } from "./memory-volume.ts";

/** What survives a restart of the container. Times are Unix milliseconds. */
export interface PaceState {
  /** End of the first renewal that failed since the last success. */
  readonly failingSince: number;
  /** Renewals that failed since then. */
  readonly failures: number;
  /** When the bucket is full. */
  readonly fullAt: number;
}

/** Where the state is stored; neither function throws. */
export interface PaceStore {
  readonly load: () => PaceState | undefined;
  /** Undefined: there is no outage. */
  readonly save: (state: PaceState | undefined) => void;
}

/** Returns the path of pace.json. */
export function paceFile(identityDirectory: string): string {
  return `${identityDirectory}/pace.json`;
}

/** Stores the pace in `identityDirectory`. A file that cannot be read or written is ignored. */
export function createPaceStore(identityDirectory: string): PaceStore {
  const path = paceFile(identityDirectory);
  return {
    load() {
      try {
        const text = readMemoryFile(path);
        return text === undefined ? undefined : decodePace(text);
      } catch {
        return undefined;
      }
    },
    save(state) {
      try {
        if (state === undefined) removeMemoryFile(path);
        else replaceMemoryFile(path, JSON.stringify(state), 0o600);
      } catch {
        // The renewal itself reports that the volume cannot be written.
      }
    },
  };
}

function decodePace(text: string): PaceState | undefined {
  const { failingSince, failures, fullAt } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const isWhole = [failingSince, failures, fullAt].every((value) => Number.isFinite(value));
  return isWhole ? ({ failingSince, failures, fullAt } as PaceState) : undefined;
}
