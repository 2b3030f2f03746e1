// The page of podrole ui in headless Chromium while it gets many readings: it keeps none of the earlier ones.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { chromium } from "playwright-core";
import { bundleUi } from "../../scripts/build-ui.ts";
import { createPageServer } from "../../src/cli/page/page-server.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { largeSnapshot, UI_NOW } from "../ui/snapshots.ts";

/** Of a page that is open for three minutes; those of 30 minutes with MEMORY_UPDATES=900. */
const MEMORY_UPDATES = Number(process.env["MEMORY_UPDATES"] ?? 100);
const INTERVAL_MS = 2_000;

suite("an open page of podrole ui", () => {
  test("keeps neither readings nor elements of earlier updates", { timeout: 600_000 }, async (context) => {
    const { files } = await bundleUi();
    let readings = 0;
    const answer = async (path: string) => {
      if (path !== "snapshot") return undefined;
      readings += 1;
      return largeSnapshot(500, 50, UI_NOW + readings * INTERVAL_MS);
    };
    const server = createPageServer({ clock, files, answer }, { port: 0, token: new Secret("token") });
    context.after(() => server.close());
    const listening = await server.listen();
    assert.ok(listening.ok);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    context.after(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce" });
    await page.clock.install({ time: UI_NOW });
    await page.goto(`http://127.0.0.1:${listening.value}/token/#/pods`);
    await page.locator("main h1").waitFor();
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");

    /** The page's own timers start each reading. */
    async function updateTo(count: number): Promise<void> {
      if (readings >= count) return;
      await page.clock.runFor(INTERVAL_MS);
      await updateTo(count);
    }

    async function measure() {
      await session.send("HeapProfiler.collectGarbage");
      const { metrics } = await session.send("Performance.getMetrics");
      const valueOf = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Infinity;
      return { heap: valueOf("JSHeapUsedSize"), nodes: valueOf("Nodes"), listeners: valueOf("JSEventListeners") };
    }

    await updateTo(20);
    const early = await measure();
    await updateTo(20 + MEMORY_UPDATES);
    const late = await measure();
    const text = `${MEMORY_UPDATES} updates: ${JSON.stringify(early)} → ${JSON.stringify(late)}`;
    context.diagnostic(text);
    // One reading has about a third of a megabyte, so a page that kept its readings would have 30 megabytes more.
    assert.ok(late.heap < early.heap + 10e6, text);
    assert.ok(late.nodes < early.nodes * 1.5 + 1_000 && late.listeners < early.listeners * 1.5 + 100, text);
  });
});
