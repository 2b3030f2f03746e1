import assert from "node:assert/strict";
import { suite, test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { versionProblems } from "../../scripts/release/versions.ts";
import { readText } from "../files.ts";

/** Reads the project's files, one of them changed. */
const changed = (file: string, from: string, to: string) => (name: string) =>
  name === file ? readText(name).replace(from, to) : readText(name);

suite("versionProblems()", () => {
  test("finds none in this checkout", () => {
    assert.deepEqual(versionProblems(readText, packageJson.version), []);
  });

  test("names each file that has another version, and a missing section of the changelog", () => {
    const problems = versionProblems(readText, "9.8.7");
    assert.ok(
      problems.includes(`manifests/chart/Chart.yaml has ${packageJson.version}; expected 9.8.7`),
      String(problems),
    );
    assert.ok(problems.includes("CHANGELOG.md has no section 9.8.7"));
  });

  test("finds a file in which only one of several places has another version", () => {
    const current = `appVersion: ${packageJson.version}`;
    const read = changed("manifests/chart/Chart.yaml", current, "appVersion: 9.8.7");
    assert.deepEqual(versionProblems(read, packageJson.version), [
      `manifests/chart/Chart.yaml has ${packageJson.version}, 9.8.7; expected ${packageJson.version}`,
    ]);
  });

  test("finds a file that names no version any more", () => {
    const read = changed("Dockerfile.server", "ARG VERSION=", "ARG NUMBER=");
    assert.deepEqual(versionProblems(read, packageJson.version), [
      `Dockerfile.server has no version; expected ${packageJson.version}`,
    ]);
  });
});
