// Formats numbers in the units of the panels, short enough for an axis.

const SCALES: Readonly<Record<string, readonly (readonly [factor: number, suffix: string])[]>> = {
  s: [
    [86_400, " d"],
    [3_600, " h"],
    [60, " min"],
    [1, " s"],
    [1e-3, " ms"],
    [1e-6, " µs"],
  ],
  bytes: [
    [2 ** 30, " GiB"],
    [2 ** 20, " MiB"],
    [2 ** 10, " KiB"],
    [1, " B"],
  ],
};

const SUFFIXES: Readonly<Record<string, string>> = { ops: "/s", reqps: "/s" };

/** Formats a value: "1.5 ms", "12/s", "37 %". */
export function inUnit(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "none";
  if (unit === "percentunit") return `${digits(value * 100)} %`;
  const scale = SCALES[unit];
  if (scale === undefined || value === 0)
    return `${digits(value)}${SUFFIXES[unit] ?? (value === 0 && scale ? (scale.find(([factor]) => factor === 1)?.[1] ?? "") : "")}`;
  const [factor, suffix] = scale.find(([bound]) => Math.abs(value) >= bound) ?? scale.at(-1) ?? [1, ""];
  return `${digits(value / factor)}${suffix}`;
}

function digits(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 3 });
}

const MINUTE = 60;
const HOUR = 3_600;
/** Axis bounds whose quarters are round numbers too. */
const LONG_TIMES = [1, 2, 4, 8, 20, 40]
  .map((count) => count * MINUTE)
  .concat([1, 2, 4, 8, 12, 24, 48, 96].map((count) => count * HOUR));

/** The upper bound of an axis: a round number not below `value`. */
export function niceBound(value: number, unit: string): number {
  if (value <= 0) return 1;
  if (unit === "bytes") return 2 ** Math.ceil(Math.log2(value));
  const time = unit === "s" && value > 40 ? LONG_TIMES.find((bound) => bound >= value) : undefined;
  if (time !== undefined) return time;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value * 0.999) ?? 10) * power;
}
