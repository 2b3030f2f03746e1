// One of the server's gRPC ports with small limits, over real sockets and TLS, and clients that keep no rule.
import { once } from "node:events";
import { connect as connectHttp2, type OutgoingHttpHeaders, type Settings } from "node:http2";
import type { TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { until } from "../../emulators/until.ts";
import { type Authority, createAuthority } from "../../src/pki/certificate.ts";
import { podIdentityOf } from "../../src/pki/identity.ts";
import { presentedBytes } from "../../src/pki/presented-bytes.ts";
import { createCallsInFlight, podCaller } from "../../src/protocol/calls-in-flight.ts";
import { getCredentials, requestCertificate } from "../../src/protocol/client.ts";
import type { PodroleError } from "../../src/protocol/errors.ts";
import { CredentialsService, IdentityService } from "../../src/protocol/generated/podrole/v1/podrole.ts";
import {
  createListener,
  IDENTITY_LIMITS,
  type Listener,
  type ListenerLimits,
  unary,
} from "../../src/protocol/listener.ts";
import type { CloseReason } from "../../src/runtime/budget.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { newLeaf } from "../pki/samples.ts";
import { hasPingAck, PING, PREFACE } from "./h2-frames.ts";

export const LIMITS: ListenerLimits = { ...IDENTITY_LIMITS, connections: 6, requests: 6 };
const PROOF = { token: new Secret("token"), csr: Buffer.from("csr"), bundleHash: "" };
/** The methods of the two ports. */
export const METHOD = "/podrole.v1.Identity/IssueCertificate";
export const CREDENTIALS_METHOD = "/podrole.v1.Credentials/GetCredentials";
const NAME = "podrole-server";

/**
 * How a port serves. `answer` handles every call, and each answer contains `bundle`. `isProven`: whether 127.0.0.1 has
 * proved who calls the identity port, so that it is never in debt. `proves`: whether calls of that port prove it, as
 * those with a token do; all of them prove pods of one namespace.
 */
export interface LimitedPortOptions {
  readonly answer?: (signal: AbortSignal) => Promise<void>;
  readonly limits?: ListenerLimits;
  readonly bundle?: string;
  readonly isProven?: boolean;
  readonly proves?: boolean;
  readonly authority?: Authority;
  /** Gives each session an address of its own. */
  readonly addressPerPod?: boolean;
}

/** Starts one of the two ports, with clients of every kind. */
export async function startLimitedPort(
  context: TestContext,
  service: "identity" | "credentials",
  {
    answer = async () => {},
    limits = LIMITS,
    bundle = "",
    isProven = true,
    proves = true,
    authority = createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: HOUR_MS }),
    addressPerPod = false,
  }: LimitedPortOptions = {},
) {
  const pem = authority.certificatePem;
  const serving = newLeaf(authority, { kind: "serving", dnsNames: [NAME], ipAddresses: [] }, Date.now());
  const clock = createFakeClock();
  const closed: CloseReason[] = [];
  const failures: PodroleError[] = [];
  const inFlight = createCallsInFlight({}, { max: 2 });
  const issue = unary(
    async (_request: unknown, peer, signal) => {
      await answer(signal);
      if (proves) listener.prove(peer.address, "namespace team");
      return { certificate: "certificate", bundle, grants: [] };
    },
    () => {},
  );
  const credentials = unary(
    async (_request: unknown, _peer, signal) => {
      await answer(signal);
      return { grants: [], bundle };
    },
    (error) => failures.push(error),
    inFlight,
  );
  const served =
    service === "identity"
      ? { service: IdentityService, implementation: { issueCertificate: issue } }
      : { service: CredentialsService, implementation: { getCredentials: credentials } };
  const listener: Listener = createListener(
    {
      clock,
      ...served,
      presentedBytes,
      onClose: (reason) => closed.push(reason),
      callerOf(certificate) {
        const identity = podIdentityOf(certificate, "cluster.local");
        return "uid" in identity ? podCaller(identity) : undefined;
      },
    },
    {
      address: { host: "127.0.0.1", port: 0 },
      tls: {
        current: () => ({ certificatePem: serving.pem, privateKey: serving.key, clientBundlePem: pem }),
        onChange: () => () => {},
      },
      requireClientCertificate: service === "credentials",
      graceMs: 100,
      limits,
    },
  );
  const port = await listener.listen();
  context.after(async () => {
    const ended = listener.close();
    await clock.advance(100);
    await ended;
  });

  const endpoint = { address: `127.0.0.1:${port}`, serverName: NAME, bundlePem: pem };
  const podOf = (uid: string) => {
    const uri = `spiffe://cluster.local/ns/team/sa/app/pod/web/${uid}`;
    const { pem: certificatePem, key: privateKey } = newLeaf(authority, { kind: "pod", uri }, Date.now());
    return { certificatePem, privateKey };
  };

  let sessions = 0;
  /** One HTTP/2 connection of a client that ignores every limit; with a certificate on the credentials port. */
  async function session(uid = "hog", settings: Settings = {}) {
    const pod = podOf(uid);
    sessions += 1;
    const client = connectHttp2(`https://127.0.0.1:${port}`, {
      ...(addressPerPod && { localAddress: `127.0.1.${sessions}` }),
      ca: pem,
      servername: NAME,
      settings,
      ...(service === "credentials" && { cert: pod.certificatePem, key: pod.privateKey.reveal() }),
    });
    client.on("error", () => {});
    context.after(() => client.destroy());
    await once(client, "connect");
    const request = (extra: OutgoingHttpHeaders = {}) => {
      const headers = { ":method": "POST", ":path": METHOD, "content-type": "application/grpc", te: "trailers" };
      return client.request({ ...headers, ...extra }).on("error", () => {});
    };
    return { client, request };
  }

  /** A TLS connection for HTTP/2 frames, with a certificate on the credentials port. */
  function connectRaw({ localAddress = "127.0.0.1" }: { readonly localAddress?: string } = {}) {
    const pod = podOf("hog");
    const socket = connectTls({
      ...{ host: "127.0.0.1", port, localAddress },
      ca: pem,
      servername: NAME,
      ALPNProtocols: ["h2"],
      ...(service === "credentials" && { cert: pod.certificatePem, key: pod.privateKey.reveal() }),
    });
    context.after(() => socket.destroy());
    return socket.on("error", () => {});
  }

  /** Sends frames and a PING; resolves with whether the server acknowledges it or closes the connection. */
  async function answerTo(frames: Buffer): Promise<"acknowledged" | "closed"> {
    const socket = connectRaw();
    socket.write(Buffer.concat([PREFACE, frames, PING]));
    return new Promise((resolve) => {
      let received = Buffer.alloc(0);
      socket.once("close", () => resolve("closed"));
      socket.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        if (hasPingAck(received)) resolve("acknowledged");
      });
    });
  }

  if (service === "identity" && isProven) {
    const socket = connectRaw();
    await once(socket, "secureConnect");
    listener.prove(`127.0.0.1:${socket.localPort}`);
    socket.destroy();
    await until(() => listener.connections().open === 0);
  }

  return {
    clock,
    closed,
    failures,
    answerTo,
    connectRaw,
    port,
    listener,
    session,
    call: () => requestCertificate(endpoint, PROOF, 5_000),
    callAs: (uid: string) => getCredentials(endpoint, podOf(uid), { containers: ["app"], bundleHash: "" }, 5_000),
  };
}
