// The price of a pod certificate at the start of a pod, as a file: what `npm run bench:start -- --certificates
// --publish` writes and docs/pod-certificates.md shows. Pods of each kind start in turn, so that other load on the
// machine slows all alike.
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { Figure, MeasuredFigures } from "../figures.ts";
import { type Distribution, distributionOf } from "./distribution.ts";
import type { Timeline } from "./measure.ts";
import { CERTIFICATE_SHAPES, nameOfShape, type StartShape } from "./shapes.ts";

/** One start. */
export interface CertificateStart extends Timeline {
  /** CPU time of all pods of the node during the start, podrole's servers included, in milliseconds. */
  readonly cpuMs: number;
  /** The machine's load average after the start. */
  readonly load: number;
}

type Step = "up" | "ready" | "app" | "cpuMs";

/** One step of the starts of one kind of pods, in ms. */
export interface CertificateRow extends Distribution {
  readonly what: string;
  readonly kind: StartShape["kind"];
  readonly step: Step;
}

/** All rows, and where they were measured. */
export interface CertificateResults extends MeasuredFigures {
  /** Of each kind. */
  readonly starts: number;
  /** The lowest and the highest load average. */
  readonly load: readonly [number, number];
  readonly rows: readonly CertificateRow[];
}

/** The published results. */
export const certificateResults = publishedResults<CertificateResults>(join(import.meta.dirname, "certificates.json"));

/** The starts of each shape, by nameOfShape(). */
export type CertificateTimes = ReadonlyMap<string, readonly CertificateStart[]>;

/** Adds the CPU time that the pods of the node have used meanwhile. `group`: the cgroup of all its pods. */
export async function measureCpu(group: string, start: () => Promise<Timeline>): Promise<CertificateStart> {
  const usedMs = () => Number(readFileSync(`/sys/fs/cgroup/cpuacct/${group}/cpuacct.usage`, "utf8")) / 1e6;
  const before = usedMs();
  const timeline = await start();
  return { ...timeline, cpuMs: usedMs() - before, load: loadavg()[0] ?? 0 };
}

/** Returns the rows, by kind of pods. */
export function certificateRows(times: CertificateTimes): readonly CertificateRow[] {
  return CERTIFICATE_SHAPES.flatMap((shape) =>
    (["up", "ready", "app", "cpuMs"] as const).flatMap((step) => {
      const values = (times.get(nameOfShape(shape)) ?? []).flatMap((start) => start[step] ?? []);
      const { kind } = shape;
      return values.length === 0 ? [] : [{ what: `${kind}: ${step}`, kind, step, ...distributionOf(values) }];
    }),
  );
}

/** Returns the start of the app with a pod certificate, divided by that with a token. */
export function certificateFigures(times: CertificateTimes): readonly Figure[] {
  const rows = certificateRows(times);
  const medianOf = (kind: StartShape["kind"], step: Step) =>
    rows.find((row) => row.kind === kind && row.step === step)?.median ?? Number.NaN;
  return (["app", "cpuMs"] as const).map((step): Figure => {
    const what = `start with a pod certificate, divided by that with a token: ${step}`;
    const value = Math.round((100 * medianOf("pod certificate", step)) / medianOf("podrole", step)) / 100;
    return { what, value, unit: "times", better: "lower" };
  });
}

/** Returns the lowest and the highest load average of all starts. */
export function loadOf(times: CertificateTimes): readonly [number, number] {
  const loads = [...times.values()].flat().map(({ load }) => Math.round(load));
  return [Math.min(...loads), Math.max(...loads)];
}
