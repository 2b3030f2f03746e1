import assert from "node:assert/strict";
import { basename } from "node:path";
import { suite, test } from "node:test";
import { allReleaseFileNames, releaseFileNames, signatureNameOf } from "../../scripts/release/file-names.ts";
import { readText } from "../files.ts";

const VERSION = "1.2.3";
const files = allReleaseFileNames(VERSION);

suite("allReleaseFileNames()", () => {
  test("returns each name once, because a release's page has one file of a name", () => {
    const uploaded = [...files, ...files.map(signatureNameOf), `podrole-${VERSION}.intoto.jsonl`];
    assert.equal(new Set(uploaded).size, uploaded.length);
    assert.equal(files.length, 14);
  });

  test("returns names without folders, so that the checksums are verified where the files were downloaded", () => {
    assert.deepEqual(
      files.filter((name) => name !== basename(name)),
      [],
    );
  });
});

test("releaseFileNames() gives the npm package the name that npm pack gives it, and the chart another one", () => {
  const { npm, chart } = releaseFileNames(VERSION);
  assert.deepEqual([npm, chart], ["podrole-1.2.3.tgz", "podrole-chart-1.2.3.tgz"]);
});

test("docs/verify.md names only files that a release has", () => {
  const { version } = JSON.parse(readText("package.json")) as { readonly version: string };
  const known = new Set([...allReleaseFileNames(version), `podrole-${version}.intoto.jsonl`]);
  const named = readText("docs/verify.md").match(/podrole[\w-]*-\d+\.\d+\.\d+[\w.-]*\w/g) ?? [];
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.map((name) => name.replace(/\.sigstore\.json$/, "")).filter((name) => !known.has(name)),
    [],
  );
});

test("release.yml signs and uploads every file of the folder", () => {
  const workflow = readText(".github/workflows/release.yml");
  assert.match(workflow, /gh release create .* artefacts\/\*$/m);
  assert.match(workflow, /for file in \*; do\n\s+"\$cosign" sign-blob .*--bundle "\$file\.sigstore\.json" "\$file"$/m);
});
