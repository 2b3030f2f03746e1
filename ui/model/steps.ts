// Audit lines of a pod with equal ones counted. Pure.
import type { UiAuditStep } from "../../src/operations/ui/model.ts";

/** Lines that say the same, at the time of the last one. */
export interface EqualSteps extends UiAuditStep {
  /** Time of the first one. */
  readonly since: string;
  readonly count: number;
}

/** Counts lines that say the same: each is shown where the last one was. */
export function equalSteps(lines: readonly UiAuditStep[]): readonly EqualSteps[] {
  const groups = Map.groupBy(lines, ({ what, text }) => JSON.stringify([what, text]));
  return [...groups.values()]
    .flatMap((group) => {
      const [first, last] = [group[0], group.at(-1)];
      return first === undefined || last === undefined ? [] : [{ ...last, since: first.at, count: group.length }];
    })
    .toSorted((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1));
}

/** A line of podrole audit, with what its mark of an admission's caller means. */
export function withCaller(text: string): string {
  return text.replace(/^(by \S+) \(unproven\)/, "$1, as the request says,");
}
