// The site in headless Chromium (Debian's package), as files of a disk: both themes and widths, search and playground
// by keyboard, no console error, nothing from another host, and no finding of axe-core. UPDATE=1 also draws the
// pictures of docs/images that show the site.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";
import { EXAMPLES } from "../../site/playground/examples.ts";
import { addressOf, SOURCE_PAGES } from "../../site/reading-paths.ts";
import { ROOT } from "../files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { LOOKS, type Look } from "./ui-stage.ts";

const ALL = [...SOURCE_PAGES.map(({ source }) => addressOf(source)), "index.html", "playground.html"];
/** Pages that a reader comes to first, and those with the widest tables and the longest commands. */
const READ = [
  ...["docs/compare.html", "docs/troubleshoot.html", "docs/errors.html"],
  ...["docs/authorization-matrix.html", "security.html"],
];

/** What is looked at in each look: the page, and what is done on it. */
const PLACES: Readonly<Record<string, { readonly address: string; readonly act: (page: Page) => Promise<void> }>> = {
  start: { address: "index.html", act: (page) => page.locator("#ready").waitFor() },
  docs: { address: "docs/install.html", act: (page) => page.locator("#content h1").waitFor() },
  search: {
    address: "index.html",
    act: async (page) => {
      await page.fill("#search", "pod has no credentials");
      await page.locator("#found a").first().waitFor();
    },
  },
  playground: {
    address: "playground.html",
    act: async (page) => {
      await page.selectOption("#example", "1");
      await page.locator(".verdict.refuse").waitFor();
    },
  },
};

suite("the site in a browser", () => {
  const folder = createTemporaryDirectory({ after });
  let browser: Browser;

  before(async () => {
    execFileSync(process.execPath, ["--no-warnings", "site/build.ts", "--out", folder], { cwd: ROOT, stdio: "pipe" });
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  });
  after(async () => {
    await browser?.close();
  });

  const urlOf = (address: string) => pathToFileURL(join(folder, address)).href;

  /** Runs `use` with a page; `complaints`: console messages, errors, and requests to other places than the folder. */
  async function withPage(
    look: Look,
    use: (page: Page, complaints: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({
      colorScheme: look.theme,
      viewport: { width: look.width, height: 900 },
    });
    try {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => {
        if (!/^(file|data):/.test(request.url())) complaints.push(request.url());
      });
      await use(page, complaints);
    } finally {
      await context.close();
    }
  }

  test("no page has an error, a request to another host, or text wider than a telephone", async () => {
    await withPage(LOOKS[2], async (page, complaints) => {
      const wide: string[] = [];
      for (const address of ALL) {
        await page.goto(urlOf(address));
        const width = Number(await page.evaluate("document.documentElement.scrollWidth"));
        if (width !== 390) wide.push(`${address}: ${width}`);
      }
      assert.deepEqual(wide, []);
      assert.deepEqual(complaints, []);
    });
  });

  /** What axe-core finds in the page, with the elements. */
  async function findingsOf(page: Page): Promise<readonly string[]> {
    // Without preload axe-core fetches no style sheet, which a page on a disk may not: the console would say so.
    const { violations } = await new AxeBuilder({ page }).options({ preload: false }).analyze();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  }

  for (const look of LOOKS) {
    const { theme, width } = look;

    for (const [name, { address, act }] of Object.entries(PLACES)) {
      test(`axe-core and the console find nothing in the place "${name}", ${theme}, ${width} pixels`, async () => {
        await withPage(look, async (page, complaints) => {
          await page.goto(urlOf(address));
          await act(page);
          assert.deepEqual(await findingsOf(page), []);
          assert.deepEqual(complaints, []);
        });
      });
    }
  }

  // The places above have each combination of theme and width.
  for (const look of [LOOKS[0], LOOKS[3]]) {
    test(`axe-core finds nothing in ${READ.length} more pages, ${look.theme}, ${look.width} pixels`, async () => {
      await withPage(look, async (page) => {
        for (const address of READ) {
          await page.goto(urlOf(address));
          assert.deepEqual(await findingsOf(page), [], address);
        }
      });
    });
  }

  test("a planted fault and a planted message are found", async () => {
    await withPage(LOOKS[0], async (page, complaints) => {
      await page.goto(urlOf("index.html"));
      await page.locator("#ready").evaluate((heading) => heading.insertAdjacentHTML("afterend", '<img src="data:,">'));
      assert.match((await findingsOf(page)).join(), /image-alt/);
      await page.evaluate("console.warn('planted')");
      assert.deepEqual(complaints, ["warning: planted"]);
    });
  });

  test("the search finds a code, a flag and a phrase by keyboard", async () => {
    await withPage(LOOKS[0], async (page) => {
      const cases = [
        ["ROLE_FORBIDDEN", "docs/errors.html#role_forbidden"],
        ["--role-base-arn", "docs/configuration.html"],
        ["rotate the CA", "docs/ca.html"],
      ] as const;
      for (const [words, expected] of cases) {
        await page.goto(urlOf("docs/audit.html"));
        await page.keyboard.press("/");
        await page.keyboard.type(words);
        const links = page.locator("#found a");
        await links.first().waitFor();
        const found = await links.evaluateAll((all) => all.map((link) => String(Reflect.get(link, "href"))));
        assert.ok(
          found.slice(0, 5).some((href) => href.startsWith(`${pathToFileURL(folder).href}/${expected}`)),
          `${words}: ${found.slice(0, 5).join(" ")}`,
        );
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Enter");
        await page.waitForURL(found[0] ?? "");
      }
    });
  });

  test("the search says that it found nothing, and Escape closes it", async () => {
    await withPage(LOOKS[3], async (page) => {
      await page.goto(urlOf("index.html"));
      await page.fill("#search", "xyzzyplugh");
      await page.getByText("No section contains").waitFor();
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("#found").isVisible(), false);
    });
  });

  test("the chosen theme stays on the next page", async () => {
    await withPage(LOOKS[0], async (page) => {
      await page.goto(urlOf("index.html"));
      await page.click("#theme");
      await page.goto(urlOf("docs/install.html"));
      assert.equal(await page.evaluate("document.documentElement.dataset.theme"), "dark");
    });
  });

  test("pages have a list of their headings, beside the text where there is room, and lead to the next page", async () => {
    for (const [look, isOpen] of [
      [LOOKS[0], true],
      [LOOKS[2], false],
    ] as const) {
      await withPage(look, async (page) => {
        await page.goto(urlOf("docs/troubleshoot.html"));
        const contents = page.locator("details.contents");
        assert.equal(await contents.evaluate((details) => Reflect.get(details, "open")), isOpen);
        if (!isOpen) await contents.locator("summary").click();
        await contents.getByRole("link", { name: "The pod hangs in Init or restarts" }).click();
        await page.waitForURL(urlOf("docs/troubleshoot.html#the-pod-hangs-in-init-or-restarts").replace("%23", "#"));
        await page.locator(".pager [rel=next]").click();
        await page.waitForURL(urlOf("docs/explain.html"));
      });
    }
  });

  test("the playground's picture is in the pages", async () => {
    const picture = join(ROOT, "docs/images/playground.png");
    await withPage(LOOKS[0], async (page) => {
      await page.goto(urlOf("playground.html"));
      await page.selectOption("#example", "1");
      await page.locator(".verdict.refuse").waitFor();
      if (process.env["UPDATE"] === "1") await page.screenshot({ path: picture });
    });
    assert.ok(existsSync(picture), "expected docs/images/playground.png; UPDATE=1 draws it");
  });

  test("the playground shows each example's decision, and its link brings it back", async () => {
    await withPage(LOOKS[0], async (page, complaints) => {
      await page.goto(urlOf("playground.html"));
      for (const [index, { decision }] of EXAMPLES.entries()) {
        await page.selectOption("#example", String(index));
        await page.locator(`.verdict.${decision}`).waitFor();
      }
      const link = page.url();
      await page.goto(urlOf("index.html"));
      await page.goto(link);
      await page.locator(`.verdict.${EXAMPLES.at(-1)?.decision}`).waitFor();
      await page.selectOption("#example", "0");
      await page.focus("#tab-decision");
      await page.keyboard.press("ArrowRight");
      await page.locator("#changes ins").getByText("podrole-sidecar").first().waitFor();
      await page.fill("#manifests", "kind: [");
      await page.click("#tab-decision");
      await page.locator("#decision .problem").waitFor();
      assert.deepEqual(complaints, []);
    });
  });
});
