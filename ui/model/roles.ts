// Names of roles, and the rows of one role. Pure.
import type { PodRow } from "../../src/operations/status/model.ts";
import { countStates, holdStateOf, type StateCounts } from "./state.ts";

/** "shop-orders" of an ARN, with its path; any other text as it is. */
export function shortRole(role: string): string {
  return /^arn:[^:]*:iam::\d*:role\/(.+)$/.exec(role)?.[1] ?? role;
}

/** "123456789012", the account of an ARN; "" for any other text. */
export function accountOf(role: string): string {
  return /^arn:[^:]*:iam::(\d*):/.exec(role)?.[1] ?? "";
}

/** Returns the rows that hold the role, or were given it at admission. */
export function rowsOfRole(rows: readonly PodRow[], role: string): readonly PodRow[] {
  return rows.filter((row) => row.role === role);
}

/** Counts the containers of each role by their state at `now` (Unix milliseconds). */
export function statesByRole(rows: readonly PodRow[], now: number): ReadonlyMap<string, StateCounts> {
  const byRole = Map.groupBy(rows, ({ role }) => role ?? "");
  return new Map([...byRole].map(([role, all]) => [role, countStates(all.map((row) => holdStateOf(row, now)))]));
}
