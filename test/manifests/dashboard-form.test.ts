// The dashboard as Grafana reads it. scripts/dashboard.ts uses Grafana's own types for the fields; this file tests what
// types cannot express.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Dashboard, Panel, RowPanel } from "@grafana/schema";
import { DASHBOARDS } from "./queries.ts";

const page = JSON.parse(readFileSync(join(DASHBOARDS, "podrole-dashboard.json"), "utf8")) as Dashboard;
const panels = page.panels ?? [];
const isGraph = (panel: Panel | RowPanel): panel is Panel => panel.type !== "row";

/** The cells of Grafana's grid of 24 columns that a panel covers. */
function cellsOf({ gridPos }: Pick<Panel, "gridPos">): string[] {
  const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
  return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
}

function overlaps(given: readonly Pick<Panel, "gridPos">[]): string[] {
  const taken = new Set<string>();
  return given.flatMap(cellsOf).filter((cell) => taken.size === taken.add(cell).size);
}

suite("podrole-dashboard.json", () => {
  test("has a uid, so that links to it stay valid, and a variable for its data source", () => {
    assert.equal(page.uid, "podrole");
    assert.deepEqual(
      page.templating?.list?.map(({ name, type }) => [name, type]),
      [["datasource", "datasource"]],
    );
  });

  test("panels have unique ids and do not overlap, within 24 columns", () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    assert.deepEqual(overlaps(panels), []);
    for (const { gridPos } of panels) assert.ok((gridPos?.x ?? 0) + (gridPos?.w ?? 0) <= 24);
  });

  test("overlapping panels are found", () => {
    const gridPos = { x: 0, y: 0, w: 2, h: 2 };
    assert.deepEqual(overlaps([{ gridPos }, { gridPos: { ...gridPos, x: 1 } }]), ["1,0", "1,1"]);
  });

  for (const panel of panels.filter(isGraph)) {
    test(`${panel.title} has a description, a unit, and the selected data source`, () => {
      assert.match(panel.description ?? "", /^\S.*\.$/);
      assert.ok(panel.fieldConfig?.defaults.unit);
      assert.ok((panel.targets ?? []).length > 0);
      for (const { datasource } of [panel, ...((panel.targets ?? []) as unknown as Panel[])]) {
        assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" });
      }
    });
  }
});
