// Generates the table of docs/price.md from what the benchmarks published: each figure beside its reference and its
// target.
import type { MeasuredFigures } from "../test/bench/figures.ts";
import { type ReferenceRow, referenceResults, targetText } from "../test/bench/reference/results.ts";
import { isScaleMet, MAX_P99_MS, type ProgramUse, perSecond, scaleResults } from "../test/bench/scale/results.ts";
import { cpuFigures } from "../test/bench/start/cpu-figures.ts";
import { crowdResults, startResults } from "../test/bench/start/results.ts";
import { markdownTable } from "./markdown-table.ts";

type Run = Pick<MeasuredFigures, "date" | "commit" | "machine">;

interface PriceRow {
  readonly what: string;
  /** With units; empty if a row has none. */
  readonly reference: string;
  readonly podrole: string;
  readonly ratio: string;
  readonly target: string;
  /** Undefined for a row without a target. */
  readonly isMet: boolean | undefined;
  readonly run: Run;
}

/** Targets of the starts, podrole ÷ reference, by the groups of test/bench/start/shapes.ts. */
const START_TARGETS: Readonly<Record<string, number>> = {
  ordinary: 1.5,
  Guaranteed: 2,
  "limit 500m": 2.5,
  "LimitRange 400m": 2.5,
};
const CROWD_TARGET = 1.5;
const CPU_TARGETS = {
  "serve, and the hook with the first renewal": 1.3,
  "one renewal": 1.3,
  "one renewal with a token and a new key": 1.3,
} as const;

/** Returns a row for each figure that has a reference or a target, and where each was measured. */
export function priceTable(): string {
  const rows = [...startPrices(), ...crowdPrices(), ...cpuPrices(), ...referencePrices(), ...scalePrices()];
  const runs = rows.map(({ run }) => run);
  const head = ["", "reference", "podrole", "ratio", "target", "met", "measured"];
  const cells = rows.map(({ what, reference, podrole, ratio, target, isMet, run }) => {
    const met = isMet === undefined ? "" : isMet ? "yes" : "**no**";
    return [what, reference, podrole, ratio, target, met, `${run.date}, ${run.commit}`];
  });
  const machines = Array.from(new Map(runs.map((run) => [`${run.commit} ${run.machine}`, run])).values());
  const where = machines.map(({ date, commit, machine }) => `- ${date}, commit ${commit}: ${machine}`);
  const list = Array.from(new Set(where)).join("\n");
  return `${markdownTable(head, cells)}\n\nThe machine of each run:\n\n${list}`;
}

function atMost(value: number): string {
  return `at most ${value} times`;
}

function startPrices(): readonly PriceRow[] {
  const run = startResults.read();
  return Object.entries(START_TARGETS).flatMap(([group, target]) => {
    const figure = run.figures.find(({ what }) => what.startsWith(`start, ${group}:`));
    const suffix = group === "ordinary" ? "" : `, ${group}`;
    const addedBy = (kind: string) => run.rows.find(({ what }) => what === `${kind}${suffix}: app`)?.added;
    if (figure === undefined) return [];
    return {
      what: `added to the start of an app, ${group === "ordinary" ? "ordinary pod" : group}`,
      reference: `${addedBy("bare")} ms (a native sidecar and a hook that do nothing)`,
      podrole: `${addedBy("podrole")} ms`,
      ratio: String(figure.value),
      target: atMost(target),
      isMet: figure.value <= target,
      run,
    };
  });
}

function crowdPrices(): readonly PriceRow[] {
  const run = crowdResults.read();
  const [figure] = run.figures;
  const medianOf = (kind: string) => run.rows.find(({ what }) => what.startsWith(`${kind},`))?.median ?? Number.NaN;
  if (figure === undefined) return [];
  const seconds = (kind: string) => `${(medianOf(kind) / 1_000).toFixed(1)} s`;
  return [
    {
      what: "20 pods at once on 2 cores: until the last app starts",
      reference: `${seconds("bare")} (the same with a sidecar that does nothing)`,
      podrole: seconds("podrole"),
      ratio: String(figure.value),
      target: atMost(CROWD_TARGET),
      isMet: figure.value <= CROWD_TARGET,
      run,
    },
  ];
}

function cpuPrices(): readonly PriceRow[] {
  const run = cpuFigures.read();
  return Object.entries(CPU_TARGETS).flatMap(([name, target]) => {
    const figure = run.figures.find(({ what }) => what === `CPU, ${name}`);
    const row = run.rows?.find(({ what }) => what === name);
    if (figure === undefined) return [];
    return {
      what: `CPU: ${name}`,
      reference: row ? `${row.referenceMs} ms (${row.reference})` : "not recorded",
      podrole: row ? `${row.ms} ms` : "not recorded",
      ratio: String(figure.value),
      target: atMost(target),
      isMet: figure.value <= target,
      run,
    };
  });
}

function referencePrices(): readonly PriceRow[] {
  return (referenceResults.find()?.rows ?? []).map((row: ReferenceRow) => ({
    what: row.what,
    reference: `${row.referenceValue} ${row.unit} (${row.reference})`,
    podrole: `${row.podroleValue} ${row.unit}`,
    ratio: String(row.ratio),
    target: row.target === undefined ? "" : targetText(row),
    isMet: row.isMet,
    run: row,
  }));
}

function scalePrices(): readonly PriceRow[] {
  const run = scaleResults.find();
  if (run === undefined) return [];
  const { pods, admissionP50, admissionP99, within25, failures, versions, server, webhook } = run;
  const what = `${pods} pods on the API server of Kubernetes ${versions.kubernetes} with KWOK ${versions.kwok}`;
  const none = { reference: "", ratio: "", target: "", isMet: undefined, run };
  return [
    {
      ...none,
      what: `${what}: p99 of its admission metric`,
      podrole: `${admissionP99} ms (p50 ${admissionP50} ms, ${(100 * within25).toFixed(1)} % within ${MAX_P99_MS} ms); ${failures} failures`,
      target: `at most ${MAX_P99_MS} ms, 0 failures`,
      isMet: isScaleMet(run),
    },
    { ...none, what: `${what}: rate`, podrole: `${perSecond(run)} per second` },
    { ...none, what: `${what}: server, for each 1 000 pods`, podrole: useText(server) },
    { ...none, what: `${what}: webhook, for each 1 000 pods`, podrole: useText(webhook) },
  ];
}

function useText({ cpuMs, megabytes, totalMegabytes }: ProgramUse): string {
  return `${cpuMs} ms of CPU, ${megabytes} MB more memory (${totalMegabytes} MB at the end)`;
}
