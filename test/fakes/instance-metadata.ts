// An EC2 instance metadata service without faults: version 2 only, tokens with the requested lifetime, the
// instance profile, its role and credentials.
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html)
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../loopback.ts";
import type { TestScope } from "../temporary-files.ts";

export interface InstanceMetadataOptions {
  /** ARN of the instance profile; absent if the instance has none. */
  readonly profile?: string;
  /** "refused": no token is available (hop limit, disabled endpoint). */
  readonly tokens?: "given" | "refused";
  /** Returns the profile's credentials for each request. */
  readonly credentials?: () => Readonly<Record<string, string>>;
}

const ROLE = "podrole-server";

export async function startInstanceMetadata(scope: TestScope, options: InstanceMetadataOptions) {
  const requests: string[] = [];
  const tokens = new Map<string, number>();

  function serve({ method = "", url = "", headers }: IncomingMessage, response: ServerResponse): void {
    requests.push(`${method} ${url}`);
    const [status, body] = method === "PUT" && url === "/latest/api/token" ? grant(headers) : read(url, headers);
    response.writeHead(status, { "content-type": "text/plain" }).end(body);
  }

  function grant(headers: IncomingMessage["headers"]): readonly [number, string] {
    const seconds = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
    if (options.tokens === "refused") return [403, ""];
    if (!(seconds >= 1 && seconds <= 21_600)) return [400, ""];
    const token = randomBytes(40).toString("base64");
    tokens.set(token, Date.now() + seconds * 1000);
    return [200, token];
  }

  function read(url: string, headers: IncomingMessage["headers"]): readonly [number, string] {
    const until = tokens.get(String(headers["x-aws-ec2-metadata-token"])) ?? 0;
    if (until <= Date.now()) return [401, ""];
    const { profile, credentials } = options;
    const iam = "/latest/meta-data/iam";
    if (url === `${iam}/info` && profile !== undefined) {
      return [200, JSON.stringify({ Code: "Success", InstanceProfileArn: profile, InstanceProfileId: "AIPAEXAMPLE" })];
    }
    if (url === `${iam}/security-credentials/` && credentials) return [200, ROLE];
    if (url === `${iam}/security-credentials/${ROLE}` && credentials) {
      return [200, JSON.stringify({ Code: "Success", Type: "AWS-HMAC", ...credentials() })];
    }
    return [404, "Not Found"];
  }

  const server = createServer(serve);
  return {
    url: `http://127.0.0.1:${await listenOnLoopback(scope, server)}`,
    requests: (): readonly string[] => requests,
  };
}
