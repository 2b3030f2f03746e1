// The lockfile: what `npm ci` installs is checked against a hash, and only named packages run a script at installation.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import packageJson from "../package.json" with { type: "json" };
import { readText } from "./files.ts";

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

type Entries = Readonly<Record<string, Entry>>;

const { packages } = JSON.parse(readText("package-lock.json")) as {
  readonly packages: Entries;
};
/** Without the root, which is the project itself. */
const entries = Object.entries(packages).filter(([path]) => path !== "");

const unverified = (given: typeof entries) =>
  given.filter(([, { integrity = "" }]) => !integrity.startsWith("sha512-")).map(([path]) => path);

suite("package-lock.json", () => {
  test("has a SHA-512 hash for every package, also for those of other platforms", () => {
    assert.ok(entries.length > 300, `${entries.length} entries`);
    assert.deepEqual(unverified(entries), []);
    assert.deepEqual(unverified([["node_modules/a", { version: "1.0.0" }]]), ["node_modules/a"]);
  });

  test("lists no package with an install script about which package.json has not decided", () => {
    const scripted = entries.filter(([, entry]) => entry.hasInstallScript === true);
    const names = scripted.map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
    assert.deepEqual(names.toSorted(), Object.keys(packageJson.allowScripts).toSorted());
  });

  test("has the same Node for every platform, as Node's own packages contain it", () => {
    const versions = new Set(Object.values(packageJson.optionalDependencies));
    // The workflows set up the first version of devEngines.
    assert.deepEqual([...versions], [packageJson.devEngines.runtime[0]?.version]);
    for (const name of Object.keys(packageJson.optionalDependencies)) {
      assert.equal(packages[`node_modules/${name}`]?.hasInstallScript, undefined, name);
    }
  });

  test("fails the installation of a package whose install script nobody allowed", () => {
    assert.match(readText(".npmrc"), /^strict-allow-scripts=true$/m);
  });
});
