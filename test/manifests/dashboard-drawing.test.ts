// How the page of npm run dashboard draws numbers in units, bounds of axes, lines and areas.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { renderChart } from "../bench/dashboard/chart.ts";
import { inUnit, niceBound } from "../bench/dashboard/units.ts";

suite("inUnit()", () => {
  for (const [value, unit, expected] of [
    [0.0015, "s", "1.5 ms"],
    [0, "s", "0 s"],
    [90, "s", "1.5 min"],
    [365 * 86_400, "s", "365 d"],
    [2 ** 28, "bytes", "256 MiB"],
    [0.375, "percentunit", "37.5 %"],
    [12, "ops", "12/s"],
    [Number.NaN, "short", "none"],
  ] as const) {
    test(`formats ${value} ${unit} as ${expected}`, () => assert.equal(inUnit(value, unit), expected));
  }
});

suite("niceBound()", () => {
  for (const [value, unit, expected] of [
    [0, "ops", 1],
    [3.1, "ops", 5],
    [0.021, "s", 0.025],
    [3_300, "s", 3_600],
    [200 * 2 ** 20, "bytes", 2 ** 28],
  ] as const) {
    test(`returns ${expected} for ${value} ${unit}`, () => assert.equal(niceBound(value, unit), expected));
  }
});

suite("chart()", () => {
  const options = { unit: "ops", stacked: false, width: 200, height: 100, range: { start: 0, end: 4, step: 1 } };
  const line = (points: readonly (readonly [number, number])[]) => ({ name: "a", series: { labels: {}, points } });

  test("interrupts a line where a sample is missing", () => {
    const svg = renderChart(
      [
        line([
          [0, 1],
          [1, 1],
          [3, 1],
          [4, 1],
        ]),
      ],
      options,
    );
    assert.equal(svg.match(/<polyline/g)?.length, 2);
  });

  test("stacks areas on top of each other", () => {
    const flat = line([0, 1, 2, 3, 4].map((at) => [at, 2] as const));
    const svg = renderChart([flat, flat], { ...options, stacked: true });
    const heights = [...svg.matchAll(/<polyline points="[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y));
    // Bound 5 over 72 pixels below the top margin of 8: values 2 and 4.
    assert.deepEqual(heights.map(Math.round), [51, 22]);
  });

  test('shows "no data" without lines', () => assert.match(renderChart([], options), />no data</));
});
