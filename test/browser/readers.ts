// node test/browser/readers.ts DIRECTORY [SCENE]: pictures and texts of the page in each broken scene, for readers who
// are to find cause and remedy by them alone.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BROKEN_SCENES, type BrokenScene } from "./broken-scenes.ts";
import { withScene } from "./stage.ts";

/** A fault shows after a lifetime of credentials; a busy machine takes as long for a picture. */
const PATIENCE_MS = 240_000;
const [directory = "readers", only] = process.argv.slice(2);

/** The views that a reader opens, from the map on. */
function placesOf({ pod, role }: BrokenScene): Readonly<Record<string, string>> {
  const arn = encodeURIComponent(`arn:aws:iam::123456789012:role/${role}`);
  return {
    ...{ "1-map": "#/map", "2-pod": `#/pod/${pod}`, "3-refusals": "#/refusals" },
    ...{ "4-roles": "#/roles", "5-role": `#/role/${arn}`, "6-certificates": "#/certificates", "7-pods": "#/pods" },
    ...{ "8-sts": "#/sts", "9-migration": "#/migration" },
  };
}

for (const [name, broken] of Object.entries(BROKEN_SCENES)) {
  if (only !== undefined && only !== name) continue;
  const folder = join(directory, name);
  mkdirSync(folder, { recursive: true });
  await withScene(broken.scene, async (address, browser) => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: "light" });
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`${address}#/pod/${broken.pod}`);
    for (const text of broken.says) await page.getByText(text).first().waitFor();
    for (const [view, place] of Object.entries(placesOf(broken))) {
      await page.goto(`${address}${place}`);
      await page.locator("main h1").waitFor();
      // What the view reads by itself.
      await page.waitForTimeout(3_000);
      await page.screenshot({ path: join(folder, `${view}.png`), fullPage: true });
      writeFileSync(join(folder, `${view}.txt`), await page.locator("body").innerText());
      if (view !== "2-pod") continue;
      // As it is once a reader has opened what is folded.
      await page.locator("details").evaluateAll((all) => all.forEach((each) => each.setAttribute("open", "")));
      await page.screenshot({ path: join(folder, `${view}-open.png`), fullPage: true });
      writeFileSync(join(folder, `${view}-open.txt`), await page.locator("body").innerText());
    }
  });
  console.log(`${folder}: done`);
}
process.exit();
