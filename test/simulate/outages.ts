// What explains that a pod has no credentials: what it depends on was away for longer than what it held lasts, or
// something happened to the pod itself, its node or its permission. Times are milliseconds of the timeline.

/** Everything that podrole decides must be well this long after the last fault. */
export const RECOVERY_MS = 180_000;

/** A fault that lasts; end() is called once. */
export interface Outage {
  end(): void;
}

/** The faults so far. */
export interface Outages {
  /** Something on the way to credentials fails, for every pod. */
  beginOnPath(): Outage;
  /** Something fails for these subjects: uids of pods, names of nodes, roles or namespaces. */
  beginFor(...subjects: readonly string[]): Outage;
  /** Something else happens, of which no pod may notice anything. */
  begin(): Outage;
  /** For how long the path has not worked, with interruptions shorter than a recovery; 0 while it is well. */
  pathAwayMs(): number;
  /** True if something has happened to one of the subjects, until a recovery later in which the path is well. */
  isAffected(...subjects: readonly string[]): boolean;
  /** True while a fault lasts. */
  isAnyActive(): boolean;
  /** When the last fault ended. */
  lastEnd(): number;
  /** True if no fault lasts, and everything has had time to recover from the last one. */
  isCalm(): boolean;
  /** Calls `listener` at the beginning of each fault. */
  onBegin(listener: () => void): void;
}

/** Creates the record. */
export function createOutages(now: () => number): Outages {
  let active = 0;
  let lastEnd = 0;
  let activeOnPath = 0;
  let pathSince = 0;
  let pathEnd = Number.NEGATIVE_INFINITY;
  const subjects = new Map<string, { active: number; until: number }>();
  const listeners: (() => void)[] = [];

  function outage(onEnd: () => void): Outage {
    active += 1;
    for (const listener of listeners) listener();
    let isOver = false;
    return {
      end() {
        if (isOver) return;
        isOver = true;
        active -= 1;
        lastEnd = now();
        onEnd();
      },
    };
  }

  const isPathAway = () => activeOnPath > 0 || now() - pathEnd < RECOVERY_MS;

  return {
    beginOnPath() {
      if (!isPathAway()) pathSince = now();
      activeOnPath += 1;
      return outage(() => {
        activeOnPath -= 1;
        if (activeOnPath === 0) pathEnd = now();
      });
    },
    beginFor(...names) {
      for (const name of names) {
        const subject = subjects.get(name) ?? { active: 0, until: 0 };
        subject.active += 1;
        subjects.set(name, subject);
      }
      return outage(() => {
        for (const name of names) {
          const subject = subjects.get(name);
          if (!subject) continue;
          subject.active -= 1;
          subject.until = now() + RECOVERY_MS;
        }
      });
    },
    begin: () => outage(() => {}),
    pathAwayMs: () => (isPathAway() ? now() - pathSince : 0),
    isAffected: (...names) =>
      names.some((name) => {
        const subject = subjects.get(name);
        if (subject === undefined) return false;
        // A subject that had not recovered when the path went away has nothing until the path is back.
        const hasWaited = isPathAway() && pathSince < subject.until;
        return subject.active > 0 || now() < subject.until || hasWaited;
      }),
    isAnyActive: () => active > 0,
    lastEnd: () => lastEnd,
    isCalm: () => active === 0 && now() - lastEnd > RECOVERY_MS,
    onBegin: (listener) => void listeners.push(listener),
  };
}
