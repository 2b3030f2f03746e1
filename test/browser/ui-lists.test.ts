// Lists of the page of podrole ui: no text is cut, rows are short on a telephone, and a large cluster is fast.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { largeSnapshot, smallSnapshot } from "../ui/snapshots.ts";
import { createUiStage, LOOKS, VIEWS } from "./ui-stage.ts";

/** The page draws in the event's own turn. */
const MEASURE_SEARCH = `(() => {
  const input = document.querySelector("#search");
  const started = performance.now();
  input.value = "service-88";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  return performance.now() - started;
})()`;

/** Texts that are wider than their place. */
const CUT_TEXTS = (
  elements: readonly {
    readonly scrollWidth: number;
    readonly clientWidth: number;
    readonly textContent: string | null;
  }[],
) =>
  elements
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
    .map(({ textContent }) => textContent);

suite("lists of the page of podrole ui", () => {
  const stage = createUiStage({ before, after });
  const { withPage, open } = stage;

  test("no text of a list is cut off, and rows on a telephone are one line if they are well", async () => {
    stage.snapshot = smallSnapshot();
    for (const look of [LOOKS[0], LOOKS[2]]) {
      await withPage(look, async (page) => {
        for (const place of [VIEWS.pods, VIEWS.refusals, VIEWS.pod]) {
          await open(page, place);
          assert.deepEqual(await page.locator(".more, .reason, .todo").evaluateAll(CUT_TEXTS), [], place);
        }
        if (look.width > 500) return;
        await open(page, VIEWS.pods);
        const heights = await page
          .locator("tr.holding")
          .evaluateAll((rows) => rows.map(({ clientHeight }) => clientHeight));
        assert.ok(heights.length > 0 && Math.max(...heights) < 45, heights.join(" "));
      });
    }
  });

  test("the page has its own typefaces, and an earlier link to the certificates leads to them", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await open(page, "#/trust");
      await page.getByRole("heading", { name: "Certificates" }).waitFor();
      assert.equal(
        await page.evaluate("document.fonts.ready.then((fonts) => [...fonts].map(({ status }) => status).join())"),
        "loaded,loaded",
      );
    });
  });

  test("5000 pods with 500 roles: the map, the list and the search work", async (context) => {
    stage.snapshot = largeSnapshot(5_000, 500);
    await withPage(LOOKS[0], async (page, complaints) => {
      const started = performance.now();
      await open(page, VIEWS.map);
      await page.locator(".node.role").first().waitFor();
      const content = performance.now() - started;
      await page.getByText("460 roles").waitFor();
      await open(page, VIEWS.pods);
      await page.getByText("Show 100 more of 4900").waitFor();
      await page.keyboard.press("/");
      const typed = performance.now();
      await page.keyboard.insertText("service-77 team-7 role-385");
      await page.waitForFunction("document.querySelectorAll('tbody tr').length < 20");
      const searched = performance.now() - typed;
      const inPage = Number(await page.evaluate(MEASURE_SEARCH));
      context.diagnostic(`first content after ${content.toFixed(0)} ms, search after ${searched.toFixed(0)} ms`);
      context.diagnostic(`search in the page: ${inPage.toFixed(0)} ms from the letter to the changed list`);
      assert.deepEqual(complaints, []);
    });
  });
});
