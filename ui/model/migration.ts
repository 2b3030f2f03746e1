// Where each pod of a migration is: every one of them in one part of the whole. Pure.
import type { UiMigration } from "../../src/operations/ui/model.ts";

/** Some of the pods. */
export interface MigrationPart {
  readonly label: string;
  readonly count: number;
  /** Its colour: of a state, or of what needs none. */
  readonly tone: "good" | "bad" | "notice" | "accent" | "work" | "rest" | "idle";
}

/** Returns the parts, without those that have no pod; together they are all pods. */
export function whereabouts({ report, waves, postponed }: UiMigration): readonly MigrationPart[] {
  const { pods, moved, withoutRole } = report;
  const podsOf = (moves: UiMigration["postponed"]) => moves.reduce((sum, move) => sum + move.pods, 0);
  const [inWaves, needWork] = [podsOf(waves.flat()), podsOf(postponed)];
  const rest = Math.max(0, pods - moved - inWaves - needWork);
  // Of what remains, a pod has no role, or nothing runs of its workload and its namespace is labelled already.
  const roleless = Math.min(rest, withoutRole);
  const parts: readonly MigrationPart[] = [
    { label: "moved", count: moved, tone: "good" },
    { label: waves.length === 1 ? "in 1 wave" : `in ${waves.length} waves`, count: inWaves, tone: "accent" },
    { label: "in namespaces that need work first", count: needWork, tone: "work" },
    { label: "without a role, which need no move", count: roleless, tone: "rest" },
    { label: "in labelled namespaces, injected when they start", count: rest - roleless, tone: "idle" },
  ];
  return parts.filter(({ count }) => count > 0);
}
