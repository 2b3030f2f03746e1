// An HTTP server that behaves like AWS STS: Query protocol of 2011-06-15, AssumeRole, AssumeRoleWithWebIdentity and
// GetCallerIdentity, with Signature Version 4 fully verified, so that a request accepted here is accepted there. For
// the demo and the tests; its keys are invented and grant nothing anywhere.
// States: created → listening → closed. close() ends open connections, including stalled responses.
// (https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html)

import { randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, sleep } from "../../src/runtime/clock.ts";
import type { Secret } from "../../src/runtime/secret.ts";
import { formatAddress } from "../../src/runtime/settings.ts";
import { createAccessKeys, type LongTermKey } from "./access-keys.ts";
import { type CallLog, createCallLog, recordOf, type StsCall } from "./calls.ts";
import { createStsFaults, type StsFaults } from "./faults.ts";
import { handleStsRequest, type StsResponse } from "./handle-request.ts";
import { readForm } from "./query.ts";
import { createRoleTable, type RoleConfig, type RoleTable } from "./roles.ts";
import type { IdentityProvider } from "./web-identity.ts";

/** Region, keys, roles and identity providers of the emulated account. */
export interface StsEmulatorOptions {
  /** The region of this endpoint; requests must be signed for it. The global endpoint is "us-east-1". */
  readonly region: string;
  readonly keys?: readonly LongTermKey[];
  readonly roles?: readonly RoleConfig[];
  readonly identityProviders?: readonly IdentityProvider[];
  /** Space for session policies and tags after compression, in bytes; AWS does not publish its own figure. */
  readonly packedPolicyBytes?: number;
  /**
   * Ends sessions of AssumeRole after this time, in seconds, so that a demo shows renewals; STS issues none below 15
   * minutes. Undefined: as requested.
   */
  readonly sessionCapSeconds?: number | undefined;
}

/** The emulated STS, its roles, faults and calls. */
export interface StsEmulator {
  /** Returns "http://127.0.0.1:<port>"; throws an Error before listen(). */
  readonly url: string;
  readonly roles: RoleTable;
  readonly faults: StsFaults;
  /** Every call with an action, oldest first. */
  readonly calls: CallLog;
  listen(port?: number, host?: string): Promise<void>;
  close(): Promise<void>;
  /**
   * Issues credentials of a session of `roleArn` without a caller, as an instance profile does. Throws an Error if
   * there is no such role.
   */
  issueSession(request: { roleArn: string; sessionName: string; durationSeconds: number }): {
    readonly accessKeyId: string;
    readonly secretAccessKey: Secret;
    readonly sessionToken: Secret;
    readonly expiresAt: number;
  };
}

/** AWS's own limit on a Query request, in bytes. */
const MAX_QUERY_BYTES = 10_000_000;
/** An estimate, from a policy of 1690 characters that AWS rejected with 157 %. */
const PACKED_POLICY_BYTES = 450;

/** What the emulator talks to. */
interface StsEmulatorDeps {
  readonly clock: Clock;
  /** Called with the record of each call. */
  readonly onCall?: (call: StsCall) => void;
}

/** Creates an STS that listens after listen(). */
export function createStsEmulator({ clock, onCall }: StsEmulatorDeps, options: StsEmulatorOptions): StsEmulator {
  const {
    region,
    keys = [],
    identityProviders = [],
    packedPolicyBytes = PACKED_POLICY_BYTES,
    sessionCapSeconds,
  } = options;
  const roles = createRoleTable(options.roles ?? []);
  const credentials = createAccessKeys(keys);
  const faults = createStsFaults();
  const calls = createCallLog();
  const closing = new AbortController();
  const server = createServer((request, response) => {
    // If a connection ends while its request is read, there is no response.
    serve(request, response).catch(() => request.socket.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readQueryBody(request);
    if (body === undefined) return send(response, { status: 413, body: "", headers: {} });
    const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
    const method = request.method ?? "GET";
    const form = readForm(method, query, request.headers["content-type"], body);
    const fault = faults.take(form.get("RoleArn"));
    if (fault?.kind === "down") {
      const action = form.get("Action") ?? "";
      const nobody = { callerArn: undefined, callerAccessKeyId: undefined, accessKeyId: undefined };
      addCall(recordOf(action, form, { at: clock.now(), outcome: "down", ...nobody }));
      return void request.socket.resetAndDestroy();
    }
    if (fault?.kind === "stall") await sleep(clock, fault.ms, closing.signal);
    const signed = { method, path, query, headers: request.headersDistinct, body };
    const known = { roles, credentials, identityProviders, region, packedPolicyBytes, sessionCapSeconds };
    const now = clock.now() + (fault?.kind === "skew" ? fault.ms : 0);
    const context = { ...known, now, requestId: randomUUID(), fault };
    const { record, ...reply } = handleStsRequest(signed, form, context);
    if (record) addCall(record);
    // SDKs read the server's time here when they detect that their own clock is wrong.
    const headers = { date: new Date(now).toUTCString(), "x-amzn-requestid": context.requestId };
    send(response, { ...reply, headers: { ...reply.headers, ...headers } });
  }

  function addCall(call: StsCall): void {
    calls.add(call);
    onCall?.(call);
  }

  function send(response: ServerResponse, { status, headers, body }: Omit<StsResponse, "record">): void {
    if (closing.signal.aborted) return void response.destroy();
    response.writeHead(status, {
      "x-amz-sts-extended-request-id": randomBytes(24).toString("base64"),
      "content-length": Buffer.byteLength(body),
      ...headers,
    });
    response.end(body);
  }

  return {
    get url() {
      const address = server.address();
      if (address === null || typeof address === "string") {
        throw new Error("Cannot name the URL of the STS emulator: it does not listen, listen() comes first");
      }
      return urlOf(address);
    },
    roles,
    faults,
    calls,
    listen(port = 0, host = "127.0.0.1") {
      return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve();
        });
      });
    },
    close() {
      closing.abort();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
    issueSession({ roleArn, sessionName, durationSeconds }) {
      const role = roles.get(roleArn);
      if (role === undefined) throw new Error(`Cannot issue a session of ${roleArn}: there is no such role`);
      const expiresAt = clock.now() + durationSeconds * 1000;
      const { caller, secretAccessKey, sessionToken } = credentials.issue({ role, sessionName, expiresAt });
      return { accessKeyId: caller.accessKeyId, secretAccessKey, sessionToken, expiresAt };
    },
  };
}

async function readQueryBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_QUERY_BYTES) chunks.push(chunk);
  }
  return length <= MAX_QUERY_BYTES ? Buffer.concat(chunks) : undefined;
}

function urlOf({ address: host, port }: AddressInfo): string {
  return `http://${formatAddress({ host, port })}`;
}
