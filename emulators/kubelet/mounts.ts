// Finds paths inside a container in texts and replaces them by the directories of this host. Pure. It cannot find paths
// that a program builds from pieces or contains in its own code.

import { quotePattern } from "../../src/runtime/quote-pattern.ts";

/** A directory or file of a volume inside a container. */
export interface MountedPath {
  /** Absolute path inside the container. */
  readonly containerPath: string;
  readonly hostPath: string;
}

/**
 * Creates a function that replaces every container path in a text, also after "file://" or "--flag=". The longest path
 * that fits is used, and only as a whole: /a/b is no part of /a/bc or of /x/a/b.
 */
export function createPathRewriter(mounts: readonly MountedPath[]): (text: string) => string {
  const hostPaths = new Map(
    mounts.map(({ containerPath, hostPath }) => [withoutTrailingSlash(containerPath), hostPath]),
  );
  const longestFirst = [...hostPaths.keys()].sort((left, right) => right.length - left.length);
  if (longestFirst.length === 0) return (text) => text;
  // One pass, so that inserted paths are not searched again.
  const pattern = new RegExp(
    `(?:(?<![\\w.~/-])|(?<=file://))(?:${longestFirst.map((path) => quotePattern(path)).join("|")})(?![\\w.-])`,
    "g",
  );
  return (text) => text.replaceAll(pattern, (path) => hostPaths.get(path) ?? path);
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
