// kube2iam's globs: "*" stands for any text, every other character for itself (github.com/ryanuber/go-glob). Matched
// without backtracking, so that no pattern is slow.

/** True when the pattern describes the whole text. */
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
 * As matchesGlob(), for an ARN: when the pattern has all six parts of an ARN, a "*" stays within its part. Otherwise
 * "arn:aws:iam::*:role/x" would also take "arn:aws:iam::666666666666:role/p:role/x", for a path may hold ":".
 */
export function matchesArnGlob(pattern: string, arn: string): boolean {
  const patterns = pattern.split(":");
  if (patterns.length < 6) return matchesGlob(pattern, arn);
  const parts = arn.split(":");
  if (!patterns.slice(0, 5).every((part, index) => matchesGlob(part, parts[index] ?? ""))) return false;
  return matchesGlob(patterns.slice(5).join(":"), parts.slice(5).join(":"));
}
