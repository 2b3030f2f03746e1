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

  test("no text of a list is cut off", async () => {
    stage.snapshot = smallSnapshot();
    for (const look of [LOOKS[0], LOOKS[2]]) {
      await withPage(look, async (page) => {
        for (const place of [VIEWS.pods, VIEWS.roles, VIEWS.refusals, VIEWS.pod]) {
          await open(page, place);
          assert.deepEqual(await page.locator(".rows td, .reason, .todo").evaluateAll(CUT_TEXTS), [], place);
        }
      });
    }
  });

  test("each row on a telephone is two lines of one height: name and state, then role and time", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[2], async (page) => {
      for (const [place, rows] of [
        [VIEWS.pods, "tbody tr"],
        [VIEWS.roles, "tbody tr"],
        [VIEWS.map, ".line"],
      ] as const) {
        await open(page, place);
        const all = page.locator(rows);
        const heights = new Set(await all.evaluateAll((each) => each.map(({ offsetHeight }) => offsetHeight)));
        assert.ok(
          heights.size === 1 && [...heights].every((height) => height < 60),
          `${place}: ${[...heights].join()}`,
        );
      }
      const first = page.locator(".line").first();
      const tops = await first
        .locator("> *")
        .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().top));
      const [, main = 0, label = 0, sub = 0, end = 0] = tops;
      assert.ok(Math.abs(main - label) < 3 && Math.abs(sub - end) < 3 && sub - main > 15, tops.join());
    });
  });

  test("the state of the cluster is one line on a telephone, also with thousands of containers", async () => {
    for (const snapshot of [smallSnapshot(), largeSnapshot(5_000, 500)]) {
      stage.snapshot = snapshot;
      await withPage(LOOKS[2], async (page) => {
        await open(page, VIEWS.sts);
        const summary = page.locator(".summary");
        const box = await summary.boundingBox();
        assert.ok((box?.height ?? 99) < 40, `${box?.height} pixels`);
        assert.deepEqual(await summary.locator(".severities").evaluateAll(CUT_TEXTS), []);
      });
    }
  });

  test("a list is limited to a severity and a namespace, and ordered by a column", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await open(page, VIEWS.pods);
      const states = () => page.locator("tbody .state").allInnerTexts();
      assert.deepEqual((await states()).slice(0, 5), ["expired", "refused", "blocked", "not injected", "not renewed"]);
      const state = page.getByRole("combobox", { name: "State" });
      assert.deepEqual(await state.locator("option").allInnerTexts(), [
        ...["All states (15)", "Failing (4)", "At risk (2)", "Pending (2)", "Valid (7)"],
      ]);
      await state.selectOption("At risk (2)");
      await page.waitForURL(/q=is%3Aat-risk/);
      // What expires first comes first.
      assert.deepEqual(await states(), ["not renewed", "overdue"]);
      assert.match((await page.locator("tbody time").allInnerTexts()).join(), /^6 min left,11 min left/);
      await page.getByRole("combobox", { name: "Namespace" }).selectOption("payroll");
      await page.waitForURL(/ns=payroll/);
      assert.deepEqual(await states(), ["overdue"]);
      await page.goBack();
      await page.goBack();
      await page.waitForFunction("document.querySelectorAll('tbody tr').length > 5");
      await page.getByRole("button", { name: "State", exact: true }).click();
      assert.equal((await states())[0], "valid");
      assert.equal(await page.locator("th.state").getAttribute("aria-sort"), "descending");
      await page.getByRole("button", { name: "Pod", exact: true }).click();
      assert.match(await page.locator("tbody .main").first().innerText(), /^data\/etl/);
    });
  });

  test("the line below the navigation limits the list of a telephone, and a workload without pods is in it", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[2], async (page) => {
      await open(page, VIEWS.pods);
      const failing = page.locator(".severity .mark", { hasText: "4 failing" });
      await failing.click();
      await page.waitForFunction("document.querySelectorAll('tbody tr').length === 4");
      assert.equal(await failing.getAttribute("aria-current"), "true");
      await failing.click();
      await page.waitForFunction("document.querySelectorAll('tbody tr').length > 10");
      await page.getByRole("link", { name: "shop/intruder" }).click();
      await page.waitForURL(/#\/refusals\/ROLE_FORBIDDEN\?ns=shop$/);
      await page.locator(".refusal[open] .refused-pods").getByText("shop/intruder").waitFor();
    });
  });

  test("entries of the list of refusals are closed except the first, and of one height", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await open(page, VIEWS.refusals);
      const closed = page.locator(".refusal:not([open])").filter({ visible: true });
      const heights = await closed.evaluateAll((all) => all.map(({ offsetHeight }) => offsetHeight));
      assert.equal(heights.length, 3);
      assert.ok(
        heights.every((height) => height >= 60 && height <= 68),
        heights.join(),
      );
      await open(page, `${VIEWS.refusals}/STS_DENIED`);
      const ends = await page
        .locator(".refusal[open] .command")
        .evaluateAll((all) => all.map((block) => Math.round(block.getBoundingClientRect().right)));
      assert.ok(ends.length > 3 && new Set(ends).size === 1, ends.join());
    });
  });

  test("equal valid pods are one row until it is opened, and the column of reasons is there only with one", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await open(page, `${VIEWS.pods}?q=is:valid`);
      const pods = page.getByRole("link", { name: "payroll/payouts-1" });
      assert.equal(await pods.count(), 0);
      assert.equal(await page.getByRole("columnheader", { name: "Why" }).count(), 0);
      const fold = page.getByRole("button", { name: "payroll/payouts · app 2 pods" });
      await fold.click();
      await pods.waitFor();
      await fold.click();
      await pods.waitFor({ state: "detached" });
      const width = (await page.locator("table").boundingBox())?.width ?? 9_999;
      assert.ok(width > 1_200 && width <= 1_256, `${width} pixels`);
      await open(page, VIEWS.pods);
      await page.getByRole("columnheader", { name: "Why" }).waitFor();
    });
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
