// Runs a scene of podrole demo --ui in this process, with its page in headless Chromium.
import { type Browser, chromium } from "playwright-core";
import { until } from "../../emulators/until.ts";
import { createNarrator } from "../../src/cli/demo/narrator.ts";
import { runUiDemo } from "../../src/cli/demo/ui-demo.ts";
import type { UiScene } from "../../src/cli/demo/ui-scene.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//;

/** Runs `use` with the address of the page; ends the scene afterwards. */
export async function withScene(
  scene: UiScene,
  use: (address: string, browser: Browser) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  const terminal: Terminal = {
    ...{ out: write, err: write, env: process.env, isTerminal: false, isErrTerminal: false, rows: () => undefined },
    ...{ execPath: process.execPath, readStdin: async () => "", stdin: () => undefined, interrupted: ending.signal },
  };
  const narrator = createNarrator({ out: write, now: () => Date.now() }, { json: true });
  const running = runUiDemo(terminal, narrator, { opensBrowser: false, scene });
  try {
    const isServed = () => ADDRESS.test(written);
    await Promise.race([running, until(isServed, "the page has an address", { timeoutMs: 120_000 })]);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    try {
      await use(ADDRESS.exec(written)?.[0] ?? "", browser);
    } finally {
      await browser.close();
    }
  } finally {
    ending.abort();
    await running;
  }
}
