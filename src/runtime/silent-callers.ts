// Remembers callers who keep connections and send nothing on them. When a port is full and nobody has many
// connections, theirs are closed before a new one is refused: otherwise a few idle connections from each of many
// addresses would keep everybody else out. An honest client sends its request within milliseconds. Its caller is
// remembered only if the port is too busy to read it, if it keeps a spare connection, or if it shares an address with a
// silent client, as behind a NAT. So a caller who also sends requests counts as less silent than one who never does.
// A caller is remembered for MEMORY_SWEEPS, or until as many others have been noted later. Times are sweeps of the
// budget, so no timer runs here.
import { createLru } from "./lru.ts";

/** Of each kind; about 0.5 MiB of addresses. */
const MAX_SILENT_CALLERS = 4096;
const MEMORY_SWEEPS = 60;
/** So many connections without a request are no accident: a sidecar whose server is away opens one every 2 to 3 s. */
const MAX_BRIEF = 5;
const BRIEF_WINDOW_SWEEPS = 10;

/** How much of what a caller opens stays silent: 0 nothing known, 1 a part, 2 everything. */
export type Silence = 0 | 1 | 2;

/** The callers of one port that send nothing. */
export interface SilentCallers {
  /**
   * A connection of the caller has waited for its request, or until its answer was read, for longer than one whole
   * sweep, and may wait still. Time in which this process holds the connection back does not count.
   */
  noteWaiting(caller: string, sweep: number): void;
  /**
   * The caller has ended a connection early and without a whole request. One that was refused is not noted: it had no
   * time.
   */
  noteBrief(caller: string, sweep: number): void;
  /** The caller has begun a request. */
  noteRequest(caller: string, sweep: number): void;
  silenceOf(caller: string, sweep: number): Silence;
}

/** Creates an empty memory. */
export function createSilentCallers(): SilentCallers {
  /** The sweep until which the caller counts as silent. */
  const until = createLru<number>(MAX_SILENT_CALLERS);
  /** The sweep until which the caller counts as one who sends requests. */
  const requesting = createLru<number>(MAX_SILENT_CALLERS);
  const brief = createLru<{ readonly since: number; readonly count: number }>(MAX_SILENT_CALLERS);

  function noteWaiting(caller: string, sweep: number): void {
    until.set(caller, sweep + MEMORY_SWEEPS);
  }

  return {
    noteWaiting,
    noteBrief(caller, sweep) {
      const before = brief.get(caller);
      const isSameWindow = before !== undefined && sweep - before.since < BRIEF_WINDOW_SWEEPS;
      const next = isSameWindow ? { since: before.since, count: before.count + 1 } : { since: sweep, count: 1 };
      brief.set(caller, next);
      if (next.count > MAX_BRIEF) noteWaiting(caller, sweep);
    },
    noteRequest: (caller, sweep) => requesting.set(caller, sweep + MEMORY_SWEEPS),
    silenceOf(caller, sweep) {
      if ((until.get(caller) ?? 0) <= sweep) return 0;
      return (requesting.get(caller) ?? 0) > sweep ? 1 : 2;
    },
  };
}
