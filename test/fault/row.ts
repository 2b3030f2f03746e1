// The form of a fault: how it begins and ends, and what must be seen of it.
import type { FaultWorld } from "./world.ts";

/** Whose log and metrics an operator reads. */
export type LogSource = "server" | "webhook" | "sidecar";

/** Ends a fault. */
export type End = () => Promise<void> | void;

/** One fault. */
export interface FaultRow {
  readonly id: string;
  /** What happens, as the table shows it. */
  readonly title: string;
  readonly begin: (world: FaultWorld) => Promise<End> | End;
  /**
   * How long it lasts at least, in milliseconds; default 8 s. On a slow machine it lasts longer, so that the verdict is
   * the same: until the new pod is served ("served"), or until the expected log line has appeared ("waits").
   */
  readonly lastsMs?: number;
  /**
   * A pod created meanwhile: "served" gets credentials before the fault ends, "waits" gets them afterwards. Absent:
   * either, as for faults that are over at once.
   */
  readonly newcomer?: "served" | "waits";
  /** Why the app's requests may fail during the fault; only for faults of the app's own sidecar. */
  readonly appFails?: string;
  /** Returns true once what the fault broke is repaired. The programs must always be ready as well. */
  readonly isHealed?: (world: FaultWorld) => boolean;
  /** A line that must be in the log of such a program. */
  readonly log?: { readonly from: LogSource; readonly pattern: RegExp };
  /** A metric of which at least one series must rise, or fall if a lower value is the bad one, as for podrole_ready. */
  readonly metric?: {
    readonly from: Exclude<LogSource, "sidecar">;
    readonly name: string;
    readonly moves: "rises" | "falls";
  };
  /** The alert that fires if it lasts. */
  readonly alert?: string;
  /** Also in the short form. */
  readonly isShort?: true;
}
