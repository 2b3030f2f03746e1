// Why a connection failed, in the words that kubectl has for it. The codes are those of the system, of OpenSSL and of
// Node's HTTP client.

const UNKNOWN_AUTHORITY = "its certificate is signed by an unknown authority";

const CONNECTION_PROBLEMS = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host: the name server does not respond",
  ETIMEDOUT: "connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_SOCKET: "connection closed by peer",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
} as const satisfies Readonly<Record<string, string>>;

/** Returns what a code means, such as "connection refused" for ECONNREFUSED; undefined for every other code. */
export function connectionProblem(code: string): string | undefined {
  return Object.hasOwn(CONNECTION_PROBLEMS, code)
    ? CONNECTION_PROBLEMS[code as keyof typeof CONNECTION_PROBLEMS]
    : undefined;
}

/** Returns what the first known code in a library's text means; undefined if the text has none. */
export function connectionProblemIn(text: string): string | undefined {
  for (const [code] of text.matchAll(/\b[A-Z][A-Z_]{3,}\b/g)) {
    const problem = connectionProblem(code);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
