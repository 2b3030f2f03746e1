// Progress of a command that is usually fast: nothing within the first second, and from then on each step. It is for a
// person who waits: in output that a program or a file receives, it would stand beside the answer.
import type { Clock } from "../runtime/clock.ts";

/** Reports steps to a person who waits. */
export interface SlowProgress {
  readonly step: (text: string) => void;
  /** Reports nothing more. */
  readonly end: () => void;
}

const QUIET_MS = 1_000;

/** Creates a progress that calls `note` with the latest step after one second, and then with each one. */
export function createSlowProgress({ clock }: { readonly clock: Clock }, note: (text: string) => void): SlowProgress {
  let latest: string | undefined;
  let isSlow = false;
  let hasEnded = false;
  const cancel = clock.schedule(() => {
    isSlow = true;
    if (latest !== undefined && !hasEnded) note(latest);
  }, QUIET_MS);
  return {
    step(text) {
      latest = text;
      if (isSlow && !hasEnded) note(text);
    },
    end() {
      hasEnded = true;
      cancel();
    },
  };
}
