// The rows of podrole status roles, from those of the pods. Pure, and free of other code: the page of podrole ui has it
// too.
import type { PodRow, RoleRow } from "./model.ts";

/** Returns the roles of the rows, by name, with what uses each. */
export function roleRows(rows: readonly PodRow[]): readonly RoleRow[] {
  const byRole = Map.groupBy(
    rows.filter(({ role }) => role !== undefined),
    ({ role = "" }) => role,
  );
  return [...byRole].map(([role, users]) => roleRow(role, users)).toSorted((a, b) => (a.role < b.role ? -1 : 1));
}

function roleRow(role: string, users: readonly PodRow[]): RoleRow {
  const codes: Record<string, number> = {};
  for (const { code } of users) if (code !== undefined) codes[code] = (codes[code] ?? 0) + 1;
  const [nearestExpiry] = users.flatMap(({ expires }) => expires ?? []).toSorted();
  return {
    role,
    pods: new Set(users.map(({ namespace, pod }) => `${namespace}/${pod}`)).size,
    containers: users.length,
    ready: users.filter(({ phase }) => phase === "ready").length,
    namespaces: [...new Set(users.map(({ namespace }) => namespace))].toSorted(),
    ...(nearestExpiry !== undefined && { nearestExpiry }),
    codes,
  };
}
