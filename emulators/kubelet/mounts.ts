// Paths inside a container, found in texts and replaced by the directories of this host that stand for them. Pure; a
// program that builds a mount path from pieces, or writes it in its own code, is out of reach.

export interface MountedPath {
  /** Absolute path inside the container. */
  readonly containerPath: string;
  readonly hostPath: string;
}

/**
 * A function that replaces every container path in a text, also behind "file://" or "--flag=". Of two paths that fit,
 * the longer one wins; a path counts only as a whole: /a/b is no part of /a/bc or of /x/a/b.
 */
export function createPathRewriter(mounts: readonly MountedPath[]): (text: string) => string {
  const hostPaths = new Map(mounts.map(({ containerPath, hostPath }) => [trimmed(containerPath), hostPath]));
  const longestFirst = [...hostPaths.keys()].sort((left, right) => right.length - left.length);
  if (longestFirst.length === 0) return (text) => text;
  // One pass, so that what was put in is not searched again.
  const pattern = new RegExp(
    `(?:(?<![\\w.~/-])|(?<=file://))(?:${longestFirst.map((path) => RegExp.escape(path)).join("|")})(?![\\w.-])`,
    "g",
  );
  return (text) => text.replaceAll(pattern, (path) => hostPaths.get(path) ?? path);
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
