// podrole demo --ui as a user sees it: the command runs, the page shows pods that hold roles and pods that are refused,
// and after an interruption nothing of it is left.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { chromium } from "playwright-core";
import { until } from "../../emulators/until.ts";
import { ROOT } from "../files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

suite("podrole demo --ui", () => {
  const directory = createTemporaryDirectory({ after });

  test("shows pods with roles and refused ones, and leaves nothing behind", { timeout: 300_000 }, async (context) => {
    const args = ["--no-warnings", join(ROOT, "src/cli/main.ts"), "demo", "--ui", "--no-open", "--json"];
    const demo = spawn(process.execPath, args, {
      env: { ...process.env, TMPDIR: directory },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(demo, "exit") as Promise<[number | null]>;
    context.after(() => demo.kill("SIGINT"));
    let written = "";
    for (const stream of [demo.stdout, demo.stderr])
      stream.on("data", (chunk: Buffer) => (written += chunk.toString()));
    const address = () => /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(written)?.[0];
    await until(() => address() !== undefined || demo.exitCode !== null, "the demo prints the address of the page", {
      timeoutMs: 120_000,
    });
    assert.ok(address(), written);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
      await page.goto(address() ?? "");
      const patience = { timeout: 120_000 };
      await page.locator(".node.role.good").filter({ hasText: "shop-orders" }).waitFor(patience);
      await page.locator(".node.workload.bad").filter({ hasText: "intruder" }).waitFor(patience);
      await page.locator(".node.role.bad").filter({ hasText: "shop-mial" }).waitFor(patience);
    } finally {
      await browser.close();
    }
    demo.kill("SIGINT");
    assert.deepEqual((await exited)[0], 0, written);
    assert.deepEqual(readdirSync(directory), []);
  });
});
