// What the page of podrole ui weighs: each file compressed, as over a network.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { bundleUi } from "../../scripts/build-ui.ts";

const MAX_PAGE_BYTES = 150_000;

test("the page of podrole ui has at most 150 kB compressed, its typefaces included", async (context) => {
  const { files } = await bundleUi();
  const sizes = [...files].map(
    ([path, { content }]) => [path || "page", gzipSync(content, { level: 9 }).length] as const,
  );
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  const text = sizes.map(([path, size]) => `${path} ${size}`).join(", ");
  context.diagnostic(`${total} bytes: ${text}`);
  assert.ok(total <= MAX_PAGE_BYTES, `${total}: ${text}`);
  // Signatures of WOFF2 (https://www.w3.org/TR/WOFF2/#FileHeader); the style sheet names both.
  const style = String(files.get("ui.css")?.content);
  const fonts = [...files].filter(([, { type }]) => type === "font/woff2");
  assert.equal(fonts.length, 2);
  for (const [path, { content }] of fonts) {
    assert.equal(Buffer.from(content).toString("latin1", 0, 4), "wOF2");
    assert.ok(style.includes(`url("./${path}")`) || style.includes(`url(./${path})`), path);
  }
});
