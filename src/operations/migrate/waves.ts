// The order in which namespaces move: first those where nothing needs work and little can break; those that need work
// are postponed.
import { podsIn } from "../format.ts";
import type { MigrationReport, WorkloadGroup } from "./report.ts";

/** The pods of one namespace that move together. */
export interface NamespaceMove {
  readonly name: string;
  /** Groups with a role that are not injected yet. */
  readonly groups: readonly WorkloadGroup[];
  readonly pods: number;
  /** 0: nothing changes; 1: something works differently; 2: something needs work first. */
  readonly risk: 0 | 1 | 2;
}

/** The namespaces by wave, and those that wait. */
export interface WavePlan {
  readonly from: MigrationReport["from"];
  readonly waves: readonly (readonly NamespaceMove[])[];
  /** Namespaces that need work first. */
  readonly postponed: readonly NamespaceMove[];
}

/**
 * At most `count` waves, none of them empty, with equal numbers of namespaces: the least risky first and, at equal
 * risk, those with the fewest pods, so that a failure of the first ones affects few.
 */
export function planWaves(report: MigrationReport, count: number): WavePlan {
  const moves = movesByRisk(report);
  const ready = moves.filter(({ risk }) => risk < 2);
  return { from: report.from, waves: divideEvenly(ready, count), postponed: moves.filter(({ risk }) => risk === 2) };
}

/** Namespaces with a pod that has a role and is not injected yet: least risk first, then fewest pods. */
export function movesByRisk({ groups }: MigrationReport): readonly NamespaceMove[] {
  const byNamespace = Map.groupBy(
    groups.filter(({ namesRole, isMoved }) => namesRole && !isMoved),
    ({ namespace }) => namespace,
  );
  return [...byNamespace]
    .map(([name, members]): NamespaceMove => {
      const verdicts = new Set(members.map(({ verdict }) => verdict));
      const risk = verdicts.has("refused") || verdicts.has("needsWork") ? 2 : verdicts.has("changed") ? 1 : 0;
      return { name, groups: members, pods: podsIn(members), risk };
    })
    .toSorted((a, b) => a.risk - b.risk || a.pods - b.pods || (a.name < b.name ? -1 : 1));
}

function divideEvenly<T>(elements: readonly T[], count: number): readonly (readonly T[])[] {
  const parts = Math.min(count, elements.length);
  return Array.from({ length: parts }, (_, index) =>
    elements.slice(Math.floor((elements.length * index) / parts), Math.floor((elements.length * (index + 1)) / parts)),
  );
}
