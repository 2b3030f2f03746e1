// A page of podrole ui in headless Chromium (Debian's package), with readings that a test chooses.
import assert from "node:assert/strict";
import type { after, before } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { bundleUi } from "../../scripts/build-ui.ts";
import { createPageServer, type PageServer } from "../../src/cli/page/page-server.ts";
import type { UiSnapshot } from "../../src/operations/ui/model.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { AUDIT, MIGRATION, ROLE_USERS } from "../ui/page-answers.ts";
import { podAnswer } from "../ui/pod-answer.ts";
import { smallSnapshot, UI_NOW, uiRoleArn } from "../ui/snapshots.ts";

const TOKEN = "token-of-the-test";
/** A place in each view. */
export const VIEWS = {
  map: "#/map",
  pods: "#/pods",
  pod: "#/pod/shop/mailer-6f7d9-hx5pl",
  role: `#/role/${encodeURIComponent(uiRoleArn("shared-reports"))}`,
  roles: "#/roles",
  refusals: "#/refusals",
  certificates: "#/certificates",
  sts: "#/sts",
  migration: "#/migration/kiam",
} as const;
/** Themes and widths. The documents show the first one; `scale`: pixels of the pictures for each of the page's. */
export const LOOKS = [
  { theme: "light", width: 1280, scale: 1.5 },
  { theme: "dark", width: 1280, scale: 1 },
  { theme: "light", width: 390, scale: 1 },
  { theme: "dark", width: 390, scale: 1 },
] as const;
/** One of them. */
export type Look = (typeof LOOKS)[number];

/** What the page shows, and how it is opened. */
export interface PageStage {
  /** The next readings. */
  snapshot: UiSnapshot;
  /** Address of the page, with its token. */
  readonly base: string;
  /** Runs `use` with a page at a fixed time; `complaints`: console messages, errors, and requests to other hosts. */
  readonly withPage: (
    look: Look,
    use: (page: Page, complaints: readonly string[]) => Promise<void>,
    isScripted?: boolean,
  ) => Promise<void>;
  readonly open: (page: Page, place: string) => Promise<void>;
}

/** Serves the page during a suite. */
export function createUiStage(hooks: { readonly before: typeof before; readonly after: typeof after }): PageStage {
  let browser: Browser;
  let server: PageServer;
  let base = "";

  hooks.before(async () => {
    const { files } = await bundleUi();
    const answers: Readonly<Record<string, () => object>> = {
      snapshot: () => stage.snapshot,
      pod: () => podAnswer(),
      audit: () => AUDIT,
      role: () => ({ value: ROLE_USERS }),
      migration: () => ({ value: MIGRATION }),
    };
    server = createPageServer(
      { clock, files, answer: async (path) => answers[path]?.() },
      { port: 0, token: new Secret(TOKEN) },
    );
    const listening = await server.listen();
    assert.ok(listening.ok);
    base = `http://127.0.0.1:${listening.value}/${TOKEN}/`;
    // As on screens of today: where hinting moves the edges of small letters to whole pixels, they run into each other.
    const args = ["--no-sandbox", "--font-render-hinting=none"];
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  });
  hooks.after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function withPage(
    { theme, width, scale }: Look,
    use: (page: Page, complaints: readonly string[]) => Promise<void>,
    isScripted = true,
  ): Promise<void> {
    const context = await browser.newContext({
      colorScheme: theme,
      viewport: { width, height: width < 500 ? 844 : 860 },
      deviceScaleFactor: process.env["UPDATE"] === "1" ? scale : 1,
      javaScriptEnabled: isScripted,
      reducedMotion: "reduce",
    });
    try {
      const page = await context.newPage();
      if (isScripted) await page.clock.setFixedTime(UI_NOW + 1_000);
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => {
        if (!request.url().startsWith(base) && !request.url().startsWith("data:")) complaints.push(request.url());
      });
      await use(page, complaints);
    } finally {
      await context.close();
    }
  }

  async function open(page: Page, place: string): Promise<void> {
    await page.goto(`${base}${place}`);
    await page.locator("main h1").waitFor();
  }

  const stage = {
    snapshot: smallSnapshot(),
    get base() {
      return base;
    },
    withPage,
    open,
  };
  return stage;
}
