// The paths of the EC2 instance metadata service that SDKs and tools ask for a role, an account and a region. Its
// requests name no container, so the webhook lets a pod have them only where every container has the same role.
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html)
// serve loads this module only where the pod asked for it.
import type { IncomingMessage } from "node:http";
import type { Refusal } from "../../../protocol/errors.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Answer, Look, MorePaths } from "../endpoint.ts";
import type { Granted } from "../../grants.ts";
import { refusalReply, textReply } from "../replies.ts";
import { identityDocument, namesRole, roleCredentials, roleInfo, roleName } from "./documents.ts";
import { createMetadataTokens } from "./tokens.ts";

export interface MetadataDeps {
  readonly clock: Clock;
  /** Valid credentials of the pod's role; undefined while there are none. */
  readonly granted: () => Granted | undefined;
}

export interface MetadataOptions {
  /** Undefined: its path answers 404, as everything does that is not known. */
  readonly region: string | undefined;
  /** As `region`. */
  readonly zone: string | undefined;
  /** Without a token too: IMDSv1. */
  readonly version1: boolean;
}

const TOKEN_PATH = "/latest/api/token";
const LIFE_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const LONGEST_LIFE_SECONDS = 21_600;
/** EC2 answers below each version that it ever had, and kiam's clients may ask for an old one. */
const VERSION = /^\/(?:1\.0|\d{4}-\d{2}-\d{2})\//;
const ROLES = "/latest/meta-data/iam/security-credentials";

export function createMetadata(
  { clock, granted }: MetadataDeps,
  { region, zone, version1 }: MetadataOptions,
): MorePaths {
  const tokens = createMetadataTokens({ clock });

  function answerToken({ method, headers }: IncomingMessage): Answer {
    if (method !== "PUT")
      return refused(405, "METHOD_UNKNOWN", "Cannot give a metadata token: wanted PUT", ["Allow", "PUT"]);
    const asked = String(headers[LIFE_HEADER] ?? "");
    const life = /^\d{1,5}$/.test(asked) ? Number(asked) : 0;
    if (life < 1 || life > LONGEST_LIFE_SECONDS) {
      const wanted = `wanted ${LIFE_HEADER} from 1 to ${LONGEST_LIFE_SECONDS}`;
      return refused(400, "REQUEST_INVALID", `Cannot give a metadata token: ${wanted}`);
    }
    return { reply: textReply(200, tokens.issue(life), ["X-Aws-Ec2-Metadata-Token-Ttl-Seconds", asked]), code: "OK" };
  }

  function whyNot({ method, headers }: IncomingMessage): Answer | undefined {
    if (method !== "GET" && method !== "HEAD") {
      return refused(405, "METHOD_UNKNOWN", "Cannot answer: metadata is read with GET", ["Allow", "GET, HEAD"]);
    }
    const token = headers["x-aws-ec2-metadata-token"];
    if (token === undefined) {
      const message = "Cannot answer: the request has no metadata token (IMDSv1), see podrole.io/metadata: enabled-v1";
      return version1 ? undefined : refused(401, "TOKEN_MISSING", message);
    }
    return tokens.accepts(String(token))
      ? undefined
      : refused(401, "TOKEN_MISMATCH", "Cannot answer: the metadata token is not of this sidecar, or has ended");
  }

  return (request) => {
    // What a proxy or a web application firewall passes on did not come from a program of this pod. EC2 looks at that when
    // it gives a token; here reads without one are held to it as well.
    if (request.headers["x-forwarded-for"] !== undefined) {
      return refused(403, "TOKEN_MISMATCH", "Cannot answer: the request for metadata carries X-Forwarded-For");
    }
    const path = (request.url ?? "").replace(/\?.*$/s, "");
    return path === TOKEN_PATH ? answerToken(request) : (whyNot(request) ?? find(path.replace(VERSION, "/latest/")));
  };

  function find(path: string): Answer | Look {
    if (path === ROLES) return { reply: textReply(301, "", ["Location", `${ROLES}/`]), code: "OK" };
    if (path === `${ROLES}/`) return once((role) => text(roleName(role)));
    if (path.startsWith(`${ROLES}/`)) {
      const name = path.slice(ROLES.length + 1);
      return once((role) => (namesRole(name, role) ? text(roleCredentials(role)) : unknown(path)));
    }
    switch (path.replace(/\/$/, "")) {
      case "/latest/meta-data/iam/info":
        return once((role) => text(roleInfo(role)));
      case "/latest/meta-data/placement/region":
        return region === undefined ? unknown(path) : text(region);
      // botocore asks for it with a slash behind it.
      case "/latest/meta-data/placement/availability-zone":
        return zone === undefined ? unknown(path) : text(zone);
      case "/latest/dynamic/instance-identity/document":
        return once((role) => text(identityDocument(role, region, zone)));
      default:
        return unknown(path);
    }
  }

  /** An answer that takes credentials: the endpoint looks for it until there are some, or time is up. */
  function once(answer: (role: Granted) => Answer): Look {
    return () => {
      const role = granted();
      return role && answer(role);
    };
  }
}

function text(body: string): Answer {
  return { reply: textReply(200, body), code: "OK" };
}

/** SDKs try paths that not every instance has: no line of the log says so. */
function unknown(path: string): Answer {
  const message = `Cannot answer: podrole does not know ${path.slice(0, 80)}`;
  return { reply: refusalReply({ code: "PATH_UNKNOWN", message }), code: "PATH_UNKNOWN" };
}

/** `status`: IMDS's own, by which clients decide what to do next. */
function refused(status: number, code: Refusal["code"], message: string, extra: readonly string[] = []): Answer {
  // What such a request may carry as its body is not read.
  const headers = ["Connection", "close", ...extra];
  return { reply: { ...refusalReply({ code, message }, headers), status }, code, reason: message };
}
