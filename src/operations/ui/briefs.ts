// What an error code means, short enough for a row of a table. Pure.
import { ERRORS, type ErrorCode } from "../../protocol/errors.ts";

/** Where the table's sentence is about more, or about less, than an operator needs first. */
const SHORTER: Readonly<Partial<Record<ErrorCode, string>>> = {
  ROLE_MISSING: "No annotation gives this container a role.",
  ROLE_INVALID: "The role annotation is not a role.",
  PERMITTED_INVALID: "The namespace's list of permitted roles cannot be read.",
  POD_UNKNOWN: "The pod does not exist any more.",
  POD_NOT_INJECTED: "The pod's podrole-sidecar is missing, or is not the injected one.",
  PROOF_REJECTED: "The pod's ServiceAccount token was rejected.",
  CERTIFICATE_REJECTED: "The pod's certificate was rejected.",
  STS_DENIED: "AWS does not give the role to podrole's server.",
  STS_INVALID: "AWS rejected what the role was requested with.",
  STS_THROTTLED: "AWS or podrole's rate limit delays calls to STS.",
  STS_UNAVAILABLE: "podrole's server cannot use STS.",
  SERVER_OVERLOADED: "podrole's server has more requests than it can work on.",
  SERVER_UNTRUSTED: "The pod does not trust the certificate of podrole's server.",
  AUTHORITY_UNAVAILABLE: "podrole's CA cannot sign certificates.",
};

/** Returns one short sentence: the first part of the table's, if nothing shorter is known. */
export function briefOf(code: ErrorCode): string {
  const [first = ""] = ERRORS[code].summary.split(/[:;]|, for example/, 1);
  return SHORTER[code] ?? (first.endsWith(".") ? first : `${first}.`);
}
