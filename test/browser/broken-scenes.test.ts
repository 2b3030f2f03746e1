// A pod that has no role, or will lose it: the page names cause and remedy, in a cluster with that one fault.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BROKEN_SCENES } from "./broken-scenes.ts";
import { withScene } from "./stage.ts";

suite("the page of a cluster with one fault", () => {
  for (const [name, { scene, pod, says }] of Object.entries(BROKEN_SCENES)) {
    test(`names cause and remedy: ${name}`, { timeout: 300_000 }, async () => {
      await withScene(scene, async (address, browser) => {
        const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
        await page.goto(`${address}#/map`);
        const [, podName = ""] = pod.split("/");
        await page.locator(".node.container.bad").first().waitFor({ timeout: 240_000 });
        await page.locator(".node.container.bad").first().click();
        await page.getByRole("heading", { name: podName }).waitFor();
        const text = await page.locator(".cause").first().innerText();
        for (const expected of says) assert.match(text, expected);
      });
    });
  }
});
