import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createMetadataTokens } from "../../../../src/sidecar/http/metadata/metadata-tokens.ts";
import { createFakeClock } from "../../../fakes/clock.ts";

suite("createMetadataTokens()", () => {
  test("accepts a token until its lifetime has passed", async () => {
    const clock = createFakeClock();
    const tokens = createMetadataTokens({ clock });
    const token = tokens.issue(60);
    await clock.advance(59_999);
    assert.equal(tokens.accepts(token), true);
    await clock.advance(1);
    assert.equal(tokens.accepts(token), false);
  });

  test("accepts a token no longer if the wall clock was set back", async () => {
    const clock = createFakeClock();
    const tokens = createMetadataTokens({ clock });
    const token = tokens.issue(60);
    clock.step(-60 * 60_000);
    await clock.advance(60_000);
    assert.equal(tokens.accepts(token), false);
  });

  for (const [what, change] of [
    ["a later expiry", (token: string) => token.replace(/^./, "z")],
    ["another signature", (token: string) => `${token.slice(0, -2)}AA`],
    ["no signature", (token: string) => token.split(".")[0] ?? ""],
    ["nothing", () => ""],
  ] as const) {
    test(`refuses a token with ${what}`, () => {
      const tokens = createMetadataTokens({ clock: createFakeClock() });
      assert.equal(tokens.accepts(change(tokens.issue(60))), false);
    });
  }

  test("refuses the token of another process", () => {
    const clock = createFakeClock();
    assert.equal(createMetadataTokens({ clock }).accepts(createMetadataTokens({ clock }).issue(60)), false);
  });
});
