// The text of a release's page: the section of CHANGELOG.md, then what every release says (release-notes.md). Pure.

/** What the text is made from. */
export interface ReleaseNotesInput {
  readonly changelog: string;
  /**
   * Follows the section; VERSION stands for the version, OWNER for the owner of the repository, in lower case, and
   * READ_FIRST for what to read before an upgrade.
   */
  readonly template: string;
  readonly version: string;
  /** Address of the repository, such as "https://github.com/OWNER/podrole". */
  readonly repository: string;
}

/**
 * Returns the text. Links to files of the repository lead to those of the tag, because a release's page is not in the
 * folder that relative links start from. Throws an Error if the changelog has no section of the version.
 */
export function releaseNotesOf({ changelog, template, version, repository }: ReleaseNotesInput): string {
  const section = changelog.split(/^(?=## )/m).find((text) => text.startsWith(`## [${version}] - `));
  if (section === undefined)
    throw new Error(
      `Cannot write the notes: CHANGELOG.md has no section ${version}; expected "## [${version}] - DATE"`,
    );
  // The page has the version as its title.
  const changes = section.slice(section.indexOf("\n") + 1).trim();
  const owner = new URL(repository).pathname.split("/").find((part) => part !== "") ?? "";
  const common = template
    .replaceAll("VERSION", version)
    .replaceAll("OWNER", owner.toLowerCase())
    .replaceAll("READ_FIRST", readFirstOf(changes));
  const links = /\]\((?![a-z]+:|#)([^)]+)\)/g;
  return `${changes}\n\n${common.trim()}\n`.replaceAll(links, `](${repository}/blob/v${version}/$1)`);
}

/** Names those headings of the section that can require something of an operator. */
function readFirstOf(changes: string): string {
  const headings = ["Removed", "Deprecated", "Changed"].filter((heading) =>
    changes.split("\n").includes(`### ${heading}`),
  );
  return headings.length === 0 ? "" : `; before an upgrade, read above: ${headings.join(", ")}`;
}
