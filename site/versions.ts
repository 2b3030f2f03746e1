// The versions that the site's switch lists, from CHANGELOG.md. Pure.

/** The state of a version that is not out. */
export const UNRELEASED = "Unreleased";

/** A version of podrole. */
export interface ListedVersion {
  readonly version: string;
  /** "2026-12-01", or "Unreleased". */
  readonly state: string;
  readonly isShown: boolean;
  /** From the site's root; undefined for the shown version, and if the site does not know where the others are. */
  readonly address: string | undefined;
}

/**
 * Returns the versions, newest first. `others`: the address, from the site's root, below which the pages of version 1.2.3
 * are `v1.2.3/`; a site on a disk has none.
 */
export function versionsOf(changelog: string, shown: string, others: string | undefined): readonly ListedVersion[] {
  return [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+[^\]]*)\] - (.+)$/gm)].map(([, version = "", state = ""]) => {
    const isShown = version === shown;
    const isElsewhere = !isShown && state !== UNRELEASED && others !== undefined;
    return { version, state, isShown, address: isElsewhere ? `${others}v${version}/index.html` : undefined };
  });
}
