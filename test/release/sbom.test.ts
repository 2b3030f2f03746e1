import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Bundle } from "../../scripts/bundle.ts";
import { sbomProblems } from "../../scripts/release/sbom.ts";
import { bundledPackages } from "../../scripts/third-party.ts";

/** A bundle with one byte of each of these files. */
function bundleOf(files: readonly string[]): Bundle {
  const inputs = Object.fromEntries(files.map((file) => [file, { bytesInOutput: 1 }]));
  return {
    sizes: {},
    metafile: { inputs: {}, outputs: { "out.js": { bytes: 1, inputs, imports: [], exports: [] } } },
  };
}

const bundle = bundleOf([
  "src/cli/main.ts",
  "node_modules/yaml/dist/index.js",
  "node_modules/@grpc/grpc-js/build/src/index.js",
]);
const [grpc, yaml] = bundledPackages(bundle);
const COMPONENTS = [
  { group: "@grpc", name: "grpc-js", version: grpc?.version ?? "", licenses: [{ license: { id: "Apache-2.0" } }] },
  { name: "yaml", version: yaml?.version ?? "", licenses: [{ license: { id: "ISC" } }] },
] as const;

suite("sbomProblems()", () => {
  test("finds none if the components are the packages of the notices", () => {
    assert.deepEqual(sbomProblems(COMPONENTS, bundle), []);
  });

  test("finds a package that is missing, and one that is not bundled", () => {
    const other = { name: "other", version: "1.0.0", licenses: [{ license: { id: "MIT" } }] };
    assert.deepEqual(sbomProblems([COMPONENTS[0], other], bundle), [
      "other@1.0.0 is not in the notices",
      `yaml@${yaml?.version} is only in the notices`,
    ]);
  });

  test("finds a licence that is not allowed, and a missing one", () => {
    const [first, second] = COMPONENTS;
    const given = [
      { ...first, licenses: [{ expression: "GPL-3.0-only" }] },
      { ...second, licenses: [] },
    ];
    assert.equal(sbomProblems(given, bundle).length, 2);
  });

  test("ignores a component of which nothing is bundled", () => {
    const excluded = { name: "unused", version: "1.0.0", scope: "excluded" };
    assert.deepEqual(sbomProblems([...COMPONENTS, excluded], bundle), []);
  });
});
