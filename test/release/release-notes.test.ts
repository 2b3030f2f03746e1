import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { releaseNotesOf } from "../../scripts/release/release-notes.ts";
import { ROOT, readText } from "../files.ts";

const repository = "https://github.com/Example/podrole";
const changelog = "# Changelog\n\n## [1.1.0] - 2027-02-01\n\n[new](docs/a.md#b)\n\n## [1.0.0] - 2027-01-01\n\nold\n";

suite("releaseNotesOf()", () => {
  test("returns the section of the version, with links to the files of the tag, and then the template", () => {
    const template = "OWNER VERSION [all](SECURITY.md) [out](https://example.com/)\n";
    assert.equal(
      releaseNotesOf({ changelog, template, version: "1.1.0", repository }),
      `[new](${repository}/blob/v1.1.0/docs/a.md#b)\n\nexample 1.1.0 [all](${repository}/blob/v1.1.0/SECURITY.md) [out](https://example.com/)\n`,
    );
  });

  test("names the headings to read before an upgrade, only those that the section has", () => {
    const section = "## [1.2.0] - 2027-03-01\n\n### Added\n\n- a\n\n### Changed\n\n- b\n\n### Removed\n\n- c\n\n";
    const input = { changelog: `${section}${changelog}`, template: "upgradeREAD_FIRST.", repository };
    assert.match(
      releaseNotesOf({ ...input, version: "1.2.0" }),
      /\nupgrade; before an upgrade, read above: Removed, Changed\.\n$/,
    );
    assert.match(releaseNotesOf({ ...input, version: "1.0.0" }), /\nupgrade\.\n$/);
  });

  test("refuses a version that the changelog does not have", () => {
    assert.throws(() => releaseNotesOf({ changelog, template: "", version: "1.1", repository }), /has no section 1\.1/);
  });

  test("links only to files that exist", () => {
    const template = readText("scripts/release/release-notes.md");
    const { version } = packageJson;
    const notes = releaseNotesOf({ changelog: readText("CHANGELOG.md"), template, version, repository });
    const prefix = `${repository}/blob/v${version}/`;
    const links = [...notes.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
    const paths = links.filter((link) => link.startsWith(prefix)).map((link) => link.slice(prefix.length));
    assert.ok(paths.length > 10, `${paths.length} links`);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(ROOT, path.replace(/#.*/, "")))),
      [],
    );
  });
});
