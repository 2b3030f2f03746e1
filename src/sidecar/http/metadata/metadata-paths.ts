// The paths of the EC2 instance metadata service from which SDKs and tools read a role, an account and a region. Its
// requests do not identify a container, so the webhook permits them only in pods whose containers all have the same
// role, and they return credentials only while that is so: a pod's roles may change while it runs.
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html)
// serve.ts loads this module only if the pod enables it.
import type { IncomingMessage } from "node:http";
import type { ErrorCode } from "../../../protocol/errors.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Credentials } from "../../grants.ts";
import type { OtherPaths } from "../endpoint.ts";
import { type CodedReply, type Lookup, refusalReply, textReply } from "../replies.ts";
import { identityDocument, namesRole, roleCredentials, roleInfo, roleName } from "./documents.ts";
import { createMetadataTokens } from "./metadata-tokens.ts";

/** What the metadata paths read. */
export interface MetadataPathsDeps {
  readonly clock: Clock;
  /** Returns the valid credentials of each container with a role; undefined for one that has none. */
  readonly credentials: () => readonly (Credentials | undefined)[];
}

/** What the metadata paths return. */
export interface MetadataPathsOptions {
  /** Undefined: its path answers 404, as every unknown path does. */
  readonly region: string | undefined;
  /** As `region`. */
  readonly zone: string | undefined;
  /** Accepts requests without a token as well: IMDSv1. */
  readonly acceptsVersion1: boolean;
}

const TOKEN_PATH = "/latest/api/token";
const TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const MAX_TTL_SECONDS = 21_600;
/** EC2 serves every version that it has ever had, and kiam's clients may request an old one. */
const VERSION_PREFIX = /^\/(?:1\.0|\d{4}-\d{2}-\d{2})\//;
const ROLES_PATH = "/latest/meta-data/iam/security-credentials";

/** Creates the handler of the metadata paths. Codes follow the error table, statuses those of IMDS. */
export function createMetadataPaths(
  { clock, credentials }: MetadataPathsDeps,
  { region, zone, acceptsVersion1 }: MetadataPathsOptions,
): OtherPaths {
  const tokens = createMetadataTokens({ clock });

  function issueToken({ method, headers }: IncomingMessage): CodedReply {
    const action = "Cannot issue a metadata token";
    if (method !== "PUT") {
      return metadataRefusal(405, "METHOD_UNKNOWN", `${action}: the method is ${method}; expected PUT`, [
        "Allow",
        "PUT",
      ]);
    }
    const requested = String(headers[TTL_HEADER] ?? "");
    const ttl = /^\d{1,5}$/.test(requested) ? Number(requested) : 0;
    if (ttl < 1 || ttl > MAX_TTL_SECONDS) {
      const state = `${TTL_HEADER} is missing or invalid; expected 1 to ${MAX_TTL_SECONDS}`;
      return metadataRefusal(400, "REQUEST_INVALID", `${action}: ${state}`);
    }
    const extra = ["X-Aws-Ec2-Metadata-Token-Ttl-Seconds", requested];
    return { reply: textReply(200, tokens.issue(ttl), extra), code: "OK" };
  }

  /** Returns the refusal of a request for metadata, or undefined if it is permitted. */
  function refusalOf({ method, headers }: IncomingMessage): CodedReply | undefined {
    const action = "Cannot return metadata";
    if (method !== "GET" && method !== "HEAD") {
      const message = `${action}: the method is ${method}; expected GET`;
      return metadataRefusal(405, "METHOD_UNKNOWN", message, ["Allow", "GET, HEAD"]);
    }
    const token = headers["x-aws-ec2-metadata-token"];
    if (token === undefined) {
      const expected = "expected a token, or podrole.io/metadata: enabled-v1 on the pod";
      const message = `${action}: the request has no metadata token (IMDSv1); ${expected}`;
      return acceptsVersion1 ? undefined : metadataRefusal(401, "TOKEN_MISSING", message);
    }
    const state = "the metadata token has expired or is not of this sidecar; expected one from";
    return tokens.accepts(String(token))
      ? undefined
      : metadataRefusal(401, "TOKEN_MISMATCH", `${action}: ${state} PUT ${TOKEN_PATH}`);
  }

  return (request) => {
    const path = (request.url ?? "").replace(/\?.*$/s, "");
    return path === TOKEN_PATH
      ? issueToken(request)
      : (refusalOf(request) ?? find(path.replace(VERSION_PREFIX, "/latest/")));
  };

  function find(path: string): CodedReply | Lookup {
    if (path === ROLES_PATH) return { reply: textReply(301, "", ["Location", `${ROLES_PATH}/`]), code: "OK" };
    if (path === `${ROLES_PATH}/`) return withRole((role) => textDocument(roleName(role)));
    if (path.startsWith(`${ROLES_PATH}/`)) {
      const name = path.slice(ROLES_PATH.length + 1);
      return withRole((role) => (namesRole(name, role) ? textDocument(roleCredentials(role)) : pathUnknown(path)));
    }
    switch (path.replace(/\/$/, "")) {
      case "/latest/meta-data/iam/info":
        return withRole((role) => textDocument(roleInfo(role)));
      case "/latest/meta-data/placement/region":
        return region === undefined ? pathUnknown(path) : textDocument(region);
      // botocore requests it with a trailing slash.
      case "/latest/meta-data/placement/availability-zone":
        return zone === undefined ? pathUnknown(path) : textDocument(zone);
      case "/latest/dynamic/instance-identity/document":
        return withRole((role) => textDocument(identityDocument(role, region, zone)));
      default:
        return pathUnknown(path);
    }
  }

  /** Returns the lookup of a reply that requires credentials of one role for all containers. */
  function withRole(toReply: (role: Credentials) => CodedReply): Lookup {
    return () => {
      const roles = credentials();
      const [role] = roles;
      if (!role || roles.includes(undefined)) return undefined;
      return roles.every((other) => other?.roleArn === role.roleArn) ? toReply(role) : rolesDiffer();
    };
  }
}

function textDocument(body: string): CodedReply {
  return { reply: textReply(200, body), code: "OK" };
}

/** Has no reason, so that nothing is logged: SDKs try paths that not every instance has. */
function pathUnknown(path: string): CodedReply {
  const message = `Cannot return metadata: podrole does not serve ${path.slice(0, 80)}`;
  return { reply: refusalReply({ code: "PATH_UNKNOWN", message }), code: "PATH_UNKNOWN" };
}

/** The answer of an instance that has no role, so that SDKs go on to their next source of credentials. */
function rolesDiffer(): CodedReply {
  const message =
    "Cannot return metadata: the pod's containers have different roles; expected one role for all, as podrole.io/metadata requires";
  return metadataRefusal(404, "ANNOTATION_INVALID", message);
}

/** `status`: that of IMDS, which clients react to. */
function metadataRefusal(status: number, code: ErrorCode, message: string, extra: readonly string[] = []): CodedReply {
  // Such a request may have a body, which is not read.
  const headers = ["Connection", "close", ...extra];
  return { reply: { ...refusalReply({ code, message }, headers), status }, code, reason: message };
}
