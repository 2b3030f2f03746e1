// Signature Version 4 as a server checks it: the parsed Authorization header, and the signature of a request with a
// secret key. Pure; authenticate.ts decides to whom a key belongs.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../src/runtime/secret.ts";
import { incompleteSignature, missingAuthenticationToken, type StsError } from "./errors.ts";

/** A request as received: names of headers in lower case, `path` and `query` still encoded. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

/** The parsed Authorization header. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const SIGNATURE_ALGORITHM = "AWS4-HMAC-SHA256";
/** A client that cannot hash its body before sending signs this text instead of the hash. */
const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/** Returns the parsed header, or STS's error about its form. `hasDate`: the request has a date header. */
export function parseAuthorization(header: string | undefined, hasDate: boolean): Authorization | StsError {
  if (header === undefined || header === "") return missingAuthenticationToken();
  const [algorithm = "", ...rest] = header.split(" ");
  if (!algorithm.startsWith("AWS4-")) return missingAuthenticationToken();
  if (algorithm !== SIGNATURE_ALGORITHM) {
    return incompleteSignature(`Unsupported AWS 'algorithm': '${algorithm}' (only ${SIGNATURE_ALGORITHM} for now). `);
  }
  const fields = new Map(
    rest
      .join(" ")
      .split(",")
      .map((part) => part.trim().split("=", 2) as [string, string | undefined]),
  );
  const missing = ["Credential", "Signature", "SignedHeaders"]
    .filter((name) => !fields.get(name))
    .map((name) => `Authorization header requires '${name}' parameter. `);
  if (!hasDate) missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
  const scope = (fields.get("Credential") ?? "").split("/");
  if (missing.length > 0 || scope.length !== 5) {
    const problem = missing.join("") || "Credential must have exactly 5 slash-delimited elements. ";
    return incompleteSignature(`${problem}Authorization=${SIGNATURE_ALGORITHM}`);
  }
  const [accessKeyId = "", date = "", region = "", service = "", terminator = ""] = scope;
  return {
    accessKeyId,
    date,
    region,
    service,
    terminator,
    signedHeaders: (fields.get("SignedHeaders") ?? "").split(";"),
    signature: fields.get("Signature") ?? "",
  };
}

/**
 * Reports whether `authorization.signature` is the signature with `secret` for this request. `timestamp` is
 * YYYYMMDDTHHMMSSZ.
 */
export function isSignedBy(
  secret: Secret,
  request: SignedRequest,
  authorization: Authorization,
  timestamp: string,
): boolean {
  const { date, region, service, terminator } = authorization;
  const payloadHash = payloadHashOf(request);
  if (payloadHash === undefined) return false;
  const stringToSign = [
    SIGNATURE_ALGORITHM,
    timestamp,
    [date, region, service, terminator].join("/"),
    sha256(canonicalRequest(request, authorization.signedHeaders, payloadHash)),
  ].join("\n");
  let key: Buffer = Buffer.from(`AWS4${secret.reveal()}`);
  for (const part of [date, region, service, terminator]) key = hmac(key, part);
  return equalInConstantTime(hmac(key, stringToSign).toString("hex"), authorization.signature);
}

/**
 * Returns the hash in the canonical request, or undefined if the header announces another body than the received one.
 */
function payloadHashOf({ headers, body }: SignedRequest): string | undefined {
  const declared = headers["x-amz-content-sha256"]?.[0];
  if (declared === UNSIGNED_PAYLOAD) return UNSIGNED_PAYLOAD;
  const actual = sha256(body);
  return declared === undefined || equalInConstantTime(declared, actual) ? actual : undefined;
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], payloadHash: string): string {
  const headers = signedHeaders.map((name) => `${name}:${canonicalValue(request.headers[name] ?? [])}\n`);
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.join(""),
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
}

function canonicalValue(values: readonly string[]): string {
  return values.map((value) => value.trim().replaceAll(/ +/g, " ")).join(",");
}

/** Every service but S3 normalises the path and encodes it once more. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(percentEncode(segment));
  }
  return `/${segments.join("/")}${segments.length > 0 && path.endsWith("/") ? "/" : ""}`;
}

function canonicalQuery(query: string): string {
  return [...new URLSearchParams(query)]
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .sort()
    .join("&");
}

/** RFC 3986 encodes all but the unreserved characters; encodeURIComponent leaves a few more unencoded. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** Takes the same time wherever two texts differ; hashing first makes the lengths equal. */
export function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(createHash("sha256").update(left).digest(), createHash("sha256").update(right).digest());
}
