// Containers that are well and equal as one row of a list: the pods of one workload. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";
import { holdStateOf } from "./state.ts";

/** A row, or several equal ones: those of the first one's workload. */
export interface FoldedRow {
  readonly key: string;
  /** The one whose credentials expire first is the first. */
  readonly rows: readonly [PodRow, ...PodRow[]];
}

/** Puts valid containers of equal name and role together, of the pods of one workload; others stay as they are. */
export function foldRows(rows: readonly PodRow[], now: number): readonly FoldedRow[] {
  const groups = Map.groupBy(rows, (row) => {
    const { namespace, pod, container, role, workload } = row;
    const isFolded = workload !== undefined && holdStateOf(row, now) === "holding";
    return JSON.stringify(isFolded ? [namespace, workload, container, role] : [namespace, pod, container]);
  });
  return [...groups].flatMap(([key, all]) => {
    const [first, ...others] = all.toSorted((a, b) => timeOf(a) - timeOf(b));
    return first === undefined ? [] : [{ key, rows: [first, ...others] as const }];
  });
}

function timeOf({ expires }: PodRow): number {
  return expires === undefined ? Infinity : Date.parse(expires);
}
