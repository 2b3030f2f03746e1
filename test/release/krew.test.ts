import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { krewManifest } from "../../scripts/release/krew.ts";

interface Plugin {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly version: string;
    readonly platforms: readonly {
      readonly selector: { readonly matchLabels: { readonly os: string } };
      readonly uri: string;
      readonly sha256: string;
      readonly bin: string;
    }[];
  };
}

test("krewManifest() describes the same archive for Linux and macOS", () => {
  const archive = { uri: "https://registry.example/podrole-0.1.0.tgz", sha256: "ab".repeat(32) };
  const { metadata, spec } = parse(krewManifest({ version: "0.1.0", ...archive })) as Plugin;
  assert.equal(metadata.name, "podrole");
  assert.equal(spec.version, "v0.1.0");
  assert.deepEqual(
    spec.platforms.map(({ selector, uri, sha256, bin }) => ({ os: selector.matchLabels.os, uri, sha256, bin })),
    [
      { os: "linux", bin: "lib/podrole.js", ...archive },
      { os: "darwin", bin: "lib/podrole.js", ...archive },
    ],
  );
});
