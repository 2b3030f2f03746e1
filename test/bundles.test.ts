// What the bundles contain: the images no code that only demo and tests use, the npm package everything that its demo starts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { bundlePackage, bundleServer } from "../scripts/build-command-line.ts";
import { buildSidecar } from "../scripts/build-sidecar.ts";
import { bundledFiles } from "../scripts/bundle.ts";

const directory = mkdtempSync(join(tmpdir(), "podrole-bundles-"));
after(() => rmSync(directory, { recursive: true }));

const bundles = {
  server: await bundleServer(join(directory, "server")),
  sidecar: await buildSidecar(join(directory, "sidecar")),
  package: await bundlePackage(join(directory, "package")),
};
const contents = {
  server: bundledFiles(bundles.server),
  sidecar: bundledFiles(bundles.sidecar),
  package: bundledFiles(bundles.package),
};
const ofTheDemo = (files: readonly string[]) => files.filter((file) => /^(emulators|src\/cli\/demo)\//.test(file));

suite("bundledFiles()", () => {
  test("finds no emulator and no demo in the images", () => {
    assert.deepEqual(ofTheDemo(contents.server), []);
    assert.deepEqual(ofTheDemo(contents.sidecar), []);
  });

  test("finds both in the package", () => {
    const files = ofTheDemo(contents.package);
    for (const file of ["emulators/kubernetes/emulator.ts", "emulators/sts/emulator.ts", "src/cli/demo/app.ts"]) {
      assert.ok(files.includes(file), file);
    }
  });

  test("finds each program in its own bundle, and no command line in the sidecar's", () => {
    assert.ok(contents.server.includes("src/server/main.ts") && contents.server.includes("src/webhook/main.ts"));
    assert.ok(contents.sidecar.includes("src/sidecar/serve.ts"));
    assert.deepEqual(
      contents.sidecar.filter((file) => /^src\/(cli|server|webhook|operations)\//.test(file)),
      [],
    );
  });
});
