// kube2iam's globs: "*" stands for any text, every other character for itself (github.com/ryanuber/go-glob). Matching
// does not backtrack, so no pattern is slow.

/** Reports whether the pattern matches the whole text. */
export function matchesGlob(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/**
 * Matches as matchesGlob() does, for an ARN: if the pattern has all six parts of an ARN, a "*" stays within its part.
 * Otherwise "arn:aws:iam::*:role/x" would also match "arn:aws:iam::666666666666:role/p:role/x", because a path may
 * contain ":".
 */
export function matchesArnGlob(pattern: string, arn: string): boolean {
  const patterns = pattern.split(":");
  if (patterns.length < 6) return matchesGlob(pattern, arn);
  const parts = arn.split(":");
  if (!patterns.slice(0, 5).every((part, index) => matchesGlob(part, parts[index] ?? ""))) return false;
  return matchesGlob(patterns.slice(5).join(":"), parts.slice(5).join(":"));
}
