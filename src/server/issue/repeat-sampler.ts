// Which audit lines of a proven pod are written: a pod may make the same call again and again, and 128 lines for each
// call would fill in seconds what a kubelet keeps of a log. So a line that repeats an earlier one in everything that
// matters (its key) is written once a minute, or a few times, with the number of those left out.
// A window of a key begins with a line and ends a minute later, or, when there are too many windows, if it is the least
// recently used one of the namespace with most: so no namespace makes the server write every line of the others.
// The key's next line ends it and has the number; if none comes before sweep() or the eviction, the last repetition is
// written then, with the number of the others. Only the end of the process loses a number.
import type { Clock } from "../../runtime/clock.ts";
import { createSharedLru } from "../../runtime/shared-lru.ts";

const REPEAT_WINDOW_MS = 60_000;
/** All containers of 64 pods of the largest size; about 2 MiB, and 8 MiB if each line was repeated. */
const MAX_REPEATED_LINES = 8_192;

/** Writes a line, with the number of lines of its key that were left out since the last one. */
export type WriteSampledLine = (omitted: number) => void;

/** What a line is about. Lines with the same key are repetitions. */
export interface RepeatedLine {
  readonly namespace: string;
  readonly key: string;
}

/** Chooses the lines that are written, for each key on its own. */
export interface RepeatSampler {
  /** Calls `write` now, or later if this is the key's last line of a window, or never. */
  write(line: RepeatedLine, write: WriteSampledLine): void;
  /** Ends the windows whose time is over. */
  sweep(): void;
}

/** Writes every line. */
export const EVERY_LINE: Pick<RepeatSampler, "write"> = { write: (_line, write) => write(0) };

interface RepeatWindow {
  readonly since: number;
  written: number;
  omitted: number;
  /** Writes the last of the lines that were left out. */
  writeLast?: WriteSampledLine;
}

/** Creates a sampler that writes the first `most` lines of each key a minute, and what is left when its window ends. */
export function createRepeatSampler(
  { clock }: { readonly clock: Pick<Clock, "now"> },
  { most = 1 }: { readonly most?: number } = {},
): RepeatSampler {
  const windows = createSharedLru<RepeatWindow>({
    capacity: MAX_REPEATED_LINES,
    onEvicted: (_key, window) => writeLast(window),
  });

  // A clock that was set back ends a window as well.
  function isOver({ since }: RepeatWindow): boolean {
    const elapsedMs = clock.now() - since;
    return elapsedMs < 0 || elapsedMs >= REPEAT_WINDOW_MS;
  }
  function writeLast({ omitted, writeLast: write }: RepeatWindow): void {
    write?.(omitted - 1);
  }

  return {
    write({ namespace, key }, write) {
      const window = windows.get(key);
      if (window === undefined || isOver(window)) {
        windows.set(key, { since: clock.now(), written: 1, omitted: 0 }, namespace);
        write(window?.omitted ?? 0);
      } else if (window.written < most) {
        window.written += 1;
        write(0);
      } else {
        window.omitted += 1;
        window.writeLast = write;
      }
    },
    sweep() {
      for (const [key, window] of windows.entries()) {
        if (!isOver(window)) continue;
        windows.delete(key);
        writeLast(window);
      }
    },
  };
}
