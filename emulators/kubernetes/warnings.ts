// Warnings for kubectl: headers of the form `Warning: 299 - "text"`, within the API server's limits.
// (RFC 7234 §5.5; k8s.io/apiserver pkg/endpoints/filters/warning.go)

const MAX_TOTAL_LENGTH = 4 * 1024;
const MAX_HEADER_WARNING_LENGTH = 256;

/**
 * Returns header values. If the texts exceed 4,096 characters, each is cut to 256, and those that still do not fit are
 * dropped.
 */
export function warningHeaders(warnings: readonly string[]): readonly string[] {
  // A header cannot contain line breaks: the API server drops such warnings and logs them.
  const unique = Array.from(new Set(warnings)).filter((text) => text !== "" && !/\p{Cc}/u.test(text));
  const total = unique.reduce((sum, text) => sum + text.length, 0);
  if (total <= MAX_TOTAL_LENGTH) return unique.map(headerOf);
  const headers: string[] = [];
  let length = 0;
  for (const text of unique) {
    const short = text.slice(0, MAX_HEADER_WARNING_LENGTH);
    length += short.length;
    if (length > MAX_TOTAL_LENGTH) break;
    headers.push(headerOf(short));
  }
  return headers;
}

function headerOf(text: string): string {
  const quoted = `299 - "${text.replace(/[\\"]/g, "\\$&")}"`;
  // The header is UTF-8 on the wire; node:http writes strings as latin1, so the UTF-8 bytes are passed as latin1
  // characters.
  return Buffer.from(quoted).toString("latin1");
}
