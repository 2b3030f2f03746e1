// The page of podrole ui in headless Chromium (Debian's package): each view in both themes and widths without a finding
// of axe-core, search and keyboard, and hostile names. It also writes the pictures of docs/images/ui
// with UPDATE=1.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { ROOT } from "../files.ts";
import { podRow, smallSnapshot } from "../ui/snapshots.ts";
import { createUiStage, LOOKS, type Look, VIEWS } from "./ui-stage.ts";

/** Texts in other sizes than the page has: titles, headings, entries and questions, text, less important text, tags. */
const FOREIGN_SIZES = `(() => {
  const sizes = new Set(["22px", "16px", "15px", "14px", "13px", "12px"]);
  return [...document.body.querySelectorAll("*")].flatMap((element) => {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    const { fontSize } = getComputedStyle(element);
    return hasText && !sizes.has(fontSize) ? [fontSize + " " + element.textContent.slice(0, 40)] : [];
  });
})()`;

const PICTURE_QUALITY = 25;

suite("the page of podrole ui", () => {
  const stage = createUiStage({ before, after });
  const { withPage, open } = stage;

  for (const look of LOOKS) {
    test(`no view has a finding of axe-core, an error, or text wider than the screen, ${look.theme}, ${look.width} pixels`, async () => {
      stage.snapshot = smallSnapshot();
      await withPage(look, async (page, complaints) => {
        const findings: string[] = [];
        for (const [name, place] of Object.entries(VIEWS)) {
          await open(page, place);
          if (name === "pod") await page.getByText("serial 1f:6a:03").waitFor();
          if (name === "role")
            await page.getByText("permitted, not held").or(page.getByText("holds it now")).first().waitFor();
          if (name === "migration") await page.getByText("Wave 2").waitFor();
          const width = Number(await page.evaluate("document.documentElement.scrollWidth"));
          if (width > look.width) findings.push(`${name}: ${width} pixels wide`);
          const { violations } = await new AxeBuilder({ page }).analyze();
          findings.push(
            ...violations.map(
              ({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html }) => html.slice(0, 140)).join(" | ")}`,
            ),
          );
          findings.push(...(await page.evaluate<readonly string[]>(FOREIGN_SIZES)).map((text) => `${name}: ${text}`));
          await takePicture(page, name, look);
        }
        assert.deepEqual(findings, []);
        assert.deepEqual(complaints, []);
      });
    });
  }

  test("the map leads to a pod and a role by keyboard, and the back button leads back", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await open(page, VIEWS.map);
      await page.locator(".node.container").first().focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(/#\/pod\//);
      await page.locator("#title:focus").waitFor();
      await page.goBack();
      await page.locator(".node.role").filter({ hasText: "shared-reports" }).click();
      await page.getByText("Namespaces that may use it").waitFor();
      await page.getByText("holds it now").first().waitFor();
      await page.goBack();
      await page.locator(".node.namespace").filter({ hasText: "payroll" }).click();
      await page.getByRole("heading", { name: "Identity map of payroll" }).waitFor();
      await page.goBack();
      await page.getByRole("heading", { name: "Identity map", exact: true }).waitFor();
    });
  });

  test("a container on a telephone's map has its own state, whatever else holds its role", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[2], async (page) => {
      await open(page, VIEWS.map);
      // data-lake has a terminating pod too.
      const lakes = page.locator(".line").filter({ has: page.locator(".sub", { hasText: "data-lake" }) });
      assert.deepEqual(await lakes.evaluateAll((lines) => lines.map(({ className }) => className)), [
        "line bad failure",
        "line muted",
      ]);
      await page.locator(".line .main", { hasText: "etl · loader" }).click();
      await page.waitForURL(/#\/pod\/data\/etl-5f4d-zz9xv/);
    });
  });

  test("a refused pod shows cause and next commands, which buttons copy, and its message on demand", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await open(page, VIEWS.pod);
      const cause = page.locator(".cause.bad");
      await cause.getByText("AWS does not give the role to podrole's server.").waitFor();
      const remedy = cause.getByText("Remedy: If the message names what is missing");
      assert.equal(await remedy.isVisible(), false);
      await cause.getByText("Raw message").click();
      await remedy.waitFor();
      await cause.getByRole("button", { name: "Copy" }).first().click();
      await cause.getByRole("button", { name: "Copied" }).waitFor();
      assert.equal(
        await page.evaluate("navigator.clipboard.readText()"),
        "aws iam get-role --role-name shop-mial --query Role --output json > role.json",
      );
      // The second question is about the role that exists.
      const second = cause.locator(".branch .look", { hasText: "What does its trust policy say of podrole's server?" });
      await second.getByRole("button", { name: "Copy" }).waitFor();
      await cause.getByText("Replace ROLE with the right name:").waitFor();
      const untrusting = cause.locator(".branch .branch", { hasText: "The role does not trust podrole's server." });
      await untrusting.getByRole("button", { name: "Copy" }).first().click();
      const statement = String(await page.evaluate("navigator.clipboard.readText()"));
      assert.deepEqual(JSON.parse(statement).Principal, { AWS: "arn:aws:iam::123456789012:role/podrole-server" });
      assert.ok(statement.split("\n").length > 5, statement);
      await open(page, "#/pod/legacy/importer-1");
      await page.locator(".cause").getByText("kubectl -n legacy delete pod/importer-1").waitFor();
      await open(page, VIEWS.refusals);
      // The first entry is open; another one opens by a click, and the address then names it.
      await page.locator(".refusal").getByText("See whether STS answers now").first().waitFor();
      const update = page.locator(".refusal").getByText("aws iam update-assume-role-policy").first();
      assert.equal(await update.isVisible(), false);
      await page.getByRole("heading", { name: "AWS does not give the role" }).click();
      await update.waitFor();
      await page.waitForURL(/#\/refusals\/STS_DENIED$/);
      await page.reload();
      await update.waitFor();
      await page.getByRole("heading", { name: "The namespace does not permit" }).click();
      await page.getByText("no pod was created").waitFor();
      await page.getByText("Namespace shop does not permit payroll-admin.").first().waitFor({ state: "attached" });
      // What is over is folded; equal refusals of four pods are one line, and a click shows the fourth.
      const fourth = page.getByText("data/etl-5f4d-b4hnm");
      await page.getByRole("heading", { name: "Over" }).click();
      await page.locator(".over .refusal > summary").click();
      await page.getByText("data/etl-5f4d-r7lpq").waitFor();
      assert.equal(await fourth.isVisible(), false);
      await page.getByText("1 more").click();
      await fourth.waitFor();
    });
  });

  test("the search limits the view and stays in the address; Escape empties it", async () => {
    stage.snapshot = smallSnapshot();
    await withPage(LOOKS[0], async (page) => {
      await open(page, VIEWS.pods);
      await page.keyboard.press("/");
      await page.keyboard.type("mailer");
      await page.waitForFunction("document.querySelectorAll('tbody tr').length === 1");
      const address = page.url();
      assert.match(address, /#\/pods\?q=mailer$/);
      await page.keyboard.press("Escape");
      await page.waitForFunction("document.querySelectorAll('tbody tr').length > 5");
      await open(page, new URL(address).hash);
      await page.reload();
      await page.waitForFunction("document.querySelectorAll('tbody tr').length === 1");
    });
  });

  test("names with HTML and control characters are text", async () => {
    const name = '<img src=x onerror="document.title=1">\u202e\u0007';
    const role = `arn:aws:iam::1:role/${name}`;
    stage.snapshot = smallSnapshot({
      pods: [
        podRow({
          namespace: name,
          pod: name,
          container: name,
          role,
          workload: `Deployment/${name}`,
          code: name,
          node: name,
        }),
      ],
      refusals: [
        { time: "", count: 1, namespace: name, pod: name, container: name, code: name, message: name, from: "server" },
      ],
      remedies: { [name]: name },
    });
    await withPage(LOOKS[0], async (page, complaints) => {
      for (const place of [
        VIEWS.map,
        VIEWS.pods,
        VIEWS.roles,
        VIEWS.refusals,
        `#/pod/${encodeURIComponent(name)}/${encodeURIComponent(name)}`,
      ]) {
        await open(page, place);
        await page.getByText("<img src=x").first().waitFor();
        assert.equal(await page.locator("main img").count(), 0);
        const text = (await page.locator("main").textContent()) ?? "";
        assert.ok(!text.includes("\u202e") && text.includes("\\u{202e}"), place);
      }
      assert.deepEqual(complaints, []);
    });
  });

  test("missing rights, a stale reading and an absent server are said in words", async () => {
    const small = smallSnapshot();
    const right = {
      what: "what containers hold",
      why: "",
      needs: ["create on serviceaccounts/token podrole-reader in podrole"],
    };
    const { sts: _sts, rotation: _rotation, ...rest } = small;
    stage.snapshot = {
      ...rest,
      unknown: { ...small.unknown, pods: [right], sts: [{ ...right, what: "the use of STS" }] },
      stale: { since: small.at, why: "Cannot list pods: connection refused" },
    };
    await withPage(LOOKS[0], async (page) => {
      await open(page, VIEWS.map);
      await page.getByText("You lack create on serviceaccounts/token podrole-reader in podrole.").waitFor();
      await page.getByText("Not current: what is shown was read 1 s ago.").waitFor();
      await page.getByText("Cannot list pods: connection refused").waitFor();
      await open(page, VIEWS.sts);
      await page.getByText("The use of STS cannot be shown").waitFor();
      await open(page, VIEWS.certificates);
      await page.getByText("signs the certificates of pods").waitFor();
    });
  });

  test("a cluster without podrole and a browser without JavaScript are said in words", async () => {
    const small = smallSnapshot();
    stage.snapshot = smallSnapshot({ pods: [], refusals: [], installation: { ...small.installation, isAbsent: true } });
    await withPage(LOOKS[2], async (page) => {
      await open(page, VIEWS.map);
      await page.getByText("podrole is not installed in this cluster").waitFor();
      await page.getByText("No pod uses podrole yet").waitFor();
    });
    await withPage(
      LOOKS[2],
      async (page) => {
        await page.goto(stage.base);
        assert.match((await page.locator("noscript").innerText()) ?? "", /This page needs JavaScript\./);
      },
      false,
    );
  });

  /** A picture of each view in each look, small enough for the repository. */
  async function takePicture(page: Page, name: string, { theme, width }: Look): Promise<void> {
    if (process.env["UPDATE"] !== "1") return;
    const directory = join(ROOT, "docs/images/ui");
    mkdirSync(directory, { recursive: true });
    const picture = await page.screenshot({ type: "webp", quality: PICTURE_QUALITY });
    writeFileSync(join(directory, `${name}-${theme}-${width}.webp`), picture);
  }
});
