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
   * How long it lasts at least, in milliseconds; default 8 s. It lasts longer while the new pod that should be served
   * is not, or the line of a row whose new pod waits is missing: a slow machine changes no verdict.
   */
  readonly lastsMs?: number;
  /**
   * A pod created meanwhile: "served" gets credentials before the fault ends, "waits" gets them afterwards. Absent:
   * either, as for faults that are over at once.
   */
  readonly newcomer?: "served" | "waits";
  /** The app's requests may fail meanwhile, for this reason: its own sidecar is what is at fault. */
  readonly appFails?: string;
  /** True once what the fault broke is repaired, besides the programs' readiness. */
  readonly isHealed?: (world: FaultWorld) => boolean;
  /** A line that must be in the log of such a program. */
  readonly log?: { readonly from: LogSource; readonly pattern: RegExp };
  /** A metric of which at least one series must rise; for a gauge of something well, `falls`. */
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
