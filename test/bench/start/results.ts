// Results of npm run bench:start as a file: what `--publish` writes and test/bench/README.md shows. The figures that
// two runs are compared by are ratios to the bare pod of the same run, because starts depend on the machine.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { Figure, MeasuredFigures } from "../figures.ts";
import { type Distribution, distributionOf } from "./distribution.ts";
import type { Timeline } from "./measure.ts";
import { CROWD_SHAPES, nameOfShape, SHAPE_GROUPS, SHAPES, type ShapeGroup, type StartShape } from "./shapes.ts";

/** One step of the starts of one shape, in ms after the binding of the pod to its node. */
export interface StartRow extends Distribution {
  readonly what: string;
  /** Of the app's start: the median minus that of the plain pod with the same resources. */
  readonly added?: number;
}

/** All rows, and where they were measured. */
export interface StartResults extends MeasuredFigures {
  /** Of each shape. */
  readonly starts: number;
  readonly rows: readonly StartRow[];
}

/** The published results of single pods. */
export const startResults = publishedResults<StartResults>(join(import.meta.dirname, "results.json"));
/** The published results of pods that start at once. */
export const crowdResults = publishedResults<StartResults>(join(import.meta.dirname, "crowd.json"));

/** Times of the starts of each shape, by nameOfShape(). */
export type StartTimes = ReadonlyMap<string, readonly Timeline[]>;

/** Returns the rows of single starts. */
export function startRows(times: StartTimes): readonly StartRow[] {
  return SHAPES.filter((shape) => times.has(nameOfShape(shape))).flatMap((shape) => {
    const [name, each] = [nameOfShape(shape), timesOf(times, shape)];
    const steps = (["up", "ready"] as const).flatMap((step): readonly StartRow[] => {
      const values = each.flatMap((timeline) => timeline[step] ?? []);
      return values.length > 0 ? [{ what: `${name}: sidecar ${step}`, ...distributionOf(values) }] : [];
    });
    const app = distributionOf(each.map((timeline) => timeline.app));
    return steps.concat({ what: `${name}: app`, ...app, added: addedBy(times, shape) });
  });
}

/** Returns what podrole adds to a start, divided by what a bare sidecar adds, for each group of shapes. */
export function startFigures(times: StartTimes): readonly Figure[] {
  const groups = SHAPE_GROUPS.filter((group) => times.has(nameOfShape({ kind: "podrole", group })));
  return groups.map((group) => {
    const value = addedBy(times, { kind: "podrole", group }) / addedBy(times, { kind: "bare", group });
    const what = `start, ${group}: added by podrole, divided by what the bare sidecar adds`;
    return { what, value: rounded(value), unit: "times", better: "lower" };
  });
}

/** How long many pods of one shape took together, in ms; each value is of one round. */
export type CrowdTimes = ReadonlyMap<string, readonly number[]>;

/** Returns a row for each shape of pods that started at once. */
export function crowdRows(times: CrowdTimes, pods: number): readonly StartRow[] {
  return CROWD_SHAPES.map((shape) => {
    const name = nameOfShape(shape);
    const { min, p25, median, p75, p95, max } = distributionOf(times.get(name) ?? []);
    return { what: `${name}, ${pods} pods at once: last app`, min, p25, median, p75, p95, max };
  });
}

/** Returns the time until the last of many injected pods has started, divided by that of bare pods. */
export function crowdFigures(times: CrowdTimes, pods: number): readonly Figure[] {
  const medianOf = (kind: string) => distributionOf(times.get(kind) ?? []).median;
  const what = `${pods} pods at once: until the last app starts, divided by that of bare pods`;
  return [{ what, value: rounded(medianOf("podrole") / medianOf("bare")), unit: "times", better: "lower" }];
}

/** Returns `now` with the rows and figures of `published` that it lacks: those of the groups that were not measured. */
export function withUnmeasured(published: StartResults | undefined, now: StartResults): StartResults {
  const missing = <One extends { readonly what: string }>(before: readonly One[], after: readonly One[]) =>
    before.filter(({ what }) => after.every((one) => one.what !== what));
  return {
    ...now,
    figures: [...now.figures, ...missing(published?.figures ?? [], now.figures)],
    rows: [...now.rows, ...missing(published?.rows ?? [], now.rows)],
  };
}

function addedBy(times: StartTimes, shape: Pick<StartShape, "kind" | "group">): number {
  return medianOfApp(times, shape) - medianOfApp(times, { kind: "plain", group: plainGroupOf(shape.group) });
}

/** Only the sidecar has the limit of 500m, so its plain pod is the ordinary one. */
function plainGroupOf(group: ShapeGroup): ShapeGroup {
  return SHAPES.some((shape) => shape.kind === "plain" && shape.group === group) ? group : "ordinary";
}

function medianOfApp(times: StartTimes, shape: Pick<StartShape, "kind" | "group">): number {
  return distributionOf(timesOf(times, shape).map(({ app }) => app)).median;
}

function timesOf(times: StartTimes, shape: Pick<StartShape, "kind" | "group">): readonly Timeline[] {
  return times.get(nameOfShape(shape)) ?? [];
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
