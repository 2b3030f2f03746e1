// Attacks on the server: anyone who reaches its ports may open connections and send calls.
import { joinJwt } from "../../../emulators/jwt.ts";
import { createCsr } from "../../../src/pki/csr.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import { MAX_CONTAINERS_WITH_ROLE } from "../../../src/policy/containers.ts";
import { GetCredentialsRequest, IssueCertificateRequest } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { FRAMES_WITHOUT_CALL, oneByte } from "../../protocol/h2-frames.ts";
import type { Job } from "../attacker.ts";
import type { AttackWorld } from "../world.ts";
import {
  type AttackRow,
  boundedLines,
  type CallerName,
  localAddress,
  longList,
  recordedGreetings,
  unfinishedRequests,
} from "./row.ts";

const SERVED: readonly CallerName[] = ["certificate", "credentials", "serverLiveness", "serverReadiness"];

const serverPort = ({ programs }: AttackWorld, port: string): number => programs.cluster.server.ports[port] ?? 0;

function proof(token: string): string {
  const certificateSigningRequest = createCsr(generateKeyPem(), "web");
  const message = IssueCertificateRequest.encode({
    token,
    certificateSigningRequest,
    bundleHash: "",
    containers: [],
    holdings: [],
  }).finish();
  return Buffer.from(message).toString("base64");
}

const IDENTITY = "/podrole.v1.Identity/IssueCertificate";

/** A token of the right form, audience and time that the API server never signed. */
function unsignedToken(): string {
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  const claims = { aud: ["podrole.io"], exp, sub: "system:serviceaccount:shop:default" };
  return joinJwt({ alg: "RS256", kid: "x" }, claims, "A".repeat(342));
}

/** A true token of the world's pod, with another signature. */
function forgedToken({ pod: { token } }: AttackWorld): string {
  const [header, payload] = token.reveal().split(".");
  return `${header}.${payload}.${"A".repeat(86)}`;
}

/** TokenReviews in the API server's audit log, which is emptied before each attack. */
const tokenReviews = ({ programs }: AttackWorld): number =>
  programs.cluster.kubernetes.audit.filter(({ objectRef }) => objectRef.resource === "tokenreviews").length;

const identityTarget = (world: AttackWorld, connections: number, streams: number) => ({
  port: serverPort(world, "identity"),
  localAddress,
  connections,
  path: IDENTITY,
  streams,
});

/** Calls of the identity port, `streams` at a time in each connection; the message is made when the attack begins. */
function identityCalls(connections: number, streams: number, message?: (world: AttackWorld) => string) {
  return (world: AttackWorld): Job => ({
    kind: "streams",
    ...identityTarget(world, connections, streams),
    ...(message && { message: message(world) }),
  });
}

/** The beginning of a call and then frames as fast as the port reads them; what it closes is opened again. */
function identityFrames(frame: Buffer) {
  return (world: AttackWorld): Job => ({
    kind: "frames",
    port: serverPort(world, "identity"),
    localAddress,
    connections: 8,
    path: IDENTITY,
    frame: frame.toString("hex"),
  });
}

/**
 * Calls of the credentials port for all containers of each of some pods, whose annotations are as long as they may be.
 */
function credentialsCalls(connections: number, pods: number) {
  const containers = Array.from({ length: MAX_CONTAINERS_WITH_ROLE }, (_, index) => `${"c".repeat(20)}${index}`);
  const message = GetCredentialsRequest.encode({ containers, bundleHash: "", holdings: [] }).finish();

  async function createClient({ programs }: AttackWorld, name: string) {
    const pod = await programs.createPod({
      name,
      roles: Object.fromEntries(containers.map((container) => [container, "shop-app"])),
      annotations: { "podrole.io/containers": longList(containers) },
    });
    const { privateKey, certificatePem } = await pod.prove();
    return { key: privateKey.reveal(), cert: certificatePem };
  }

  return async (world: AttackWorld): Promise<Job & { readonly kind: "streams" }> => {
    const clients = [];
    for (let index = 0; index < pods; index++) clients.push(await createClient(world, `lists-${Date.now()}-${index}`));
    return {
      kind: "streams",
      port: serverPort(world, "credentials"),
      localAddress,
      connections,
      path: "/podrole.v1.Credentials/GetCredentials",
      streams: 2,
      message: Buffer.from(message).toString("base64"),
      clients,
    };
  };
}

/** TLS connections that send nothing. */
function idleConnections(port: "identity" | "credentials") {
  return (world: AttackWorld): Job => ({
    kind: "hold",
    tls: true,
    port: serverPort(world, port),
    localAddress,
    connections: 6_000,
    text: "",
  });
}

const ATTACKED = { under: "server", ordinary: SERVED } as const;

export const SERVER_ROWS: readonly AttackRow[] = [
  {
    id: "identity-streams",
    title: "8443: 24 000 calls without a message in 8 connections",
    ...ATTACKED,
    job: identityCalls(8, 3_000),
  },
  {
    id: "identity-calls",
    title: "8443: calls without a token, 100 at a time in each of 8 connections",
    ...ATTACKED,
    job: identityCalls(8, 100, () => proof("")),
    also: boundedLines("server"),
  },
  {
    id: "identity-idle",
    title: "8443: 6 000 idle TLS connections",
    ...ATTACKED,
    job: idleConnections("identity"),
  },
  {
    id: "identity-resets",
    title: "8443: 1 000 calls in each of 8 connections, reset at once (HTTP/2 rapid reset)",
    ...ATTACKED,
    job: (world) => ({ kind: "resets", ...identityTarget(world, 8, 1_000) }),
    also: boundedLines("server"),
  },
  {
    id: "identity-leavers",
    title: "8443: 64 KiB on each of 64 connections, which leave at once and come again",
    ...ATTACKED,
    job: (world) => ({
      kind: "leave",
      port: serverPort(world, "identity"),
      localAddress,
      connections: 64,
      fill: 64 * 1024,
    }),
    also: boundedLines("server"),
  },
  {
    id: "identity-window-updates",
    title: "8443: HTTP/2 frames that enlarge the window of the connection, beside one call, in 8 connections",
    ...ATTACKED,
    job: identityFrames(FRAMES_WITHOUT_CALL.WINDOW_UPDATE),
    also: boundedLines("server"),
  },
  {
    id: "identity-one-byte-frames",
    title: "8443: calls whose messages come in frames of one byte, in 8 connections",
    ...ATTACKED,
    job: identityFrames(oneByte()),
    also: boundedLines("server"),
  },
  {
    id: "identity-garbage-tokens",
    title: '8443: calls with the token "not.a.token"',
    ...ATTACKED,
    job: identityCalls(4, 8, () => proof("not.a.token")),
    also(world, seconds) {
      // Ordinary callers cause about seven reviews a second.
      const [reviews, most] = [tokenReviews(world), Math.round(10 * seconds) + 20];
      return reviews > most
        ? `${reviews} TokenReviews in ${Math.round(seconds)} s; expected at most ${most}`
        : boundedLines("server")(world, seconds);
    },
  },
  {
    id: "identity-forged-tokens",
    title: "8443: calls with tokens of the right form, audience and time that nobody signed",
    ...ATTACKED,
    job: identityCalls(4, 100, () => proof(unsignedToken())),
    also: boundedLines("server"),
  },
  {
    id: "identity-own-address",
    isLongOnly: true,
    title: "8443: calls with a pod's own token under another signature, more than may be reviewed for one address",
    ...ATTACKED,
    job: identityCalls(24, 2, (world) => proof(forgedToken(world))),
    also: boundedLines("server"),
  },
  {
    id: "credentials-idle",
    title: "8444: 6 000 TLS connections without a certificate",
    ...ATTACKED,
    job: idleConnections("credentials"),
  },
  {
    id: "state-greetings",
    title: "8445: 700 connections that replay the beginning of a handshake, leave and come again",
    ...ATTACKED,
    job: (world) => recordedGreetings(serverPort(world, "state"), "X25519"),
  },
  {
    id: "credentials-chains",
    title: "8444: 8 connections that present 72 certificates with RSA keys of large exponents, again and again",
    ...ATTACKED,
    job: (world) => ({
      kind: "handshakes",
      port: serverPort(world, "credentials"),
      localAddress,
      connections: 8,
      certificates: 72,
    }),
    also: boundedLines("server"),
  },
  {
    id: "credentials-short-chains",
    isLongOnly: true,
    title: "8444: 64 connections that present 4 such certificates each, which the limit of a handshake permits",
    ...ATTACKED,
    job: (world) => ({
      kind: "handshakes",
      port: serverPort(world, "credentials"),
      localAddress,
      connections: 64,
      certificates: 4,
    }),
    also: boundedLines("server"),
  },
  {
    id: "credentials-container-list",
    isLongOnly: true,
    title: "8444: calls for 128 containers of a pod with podrole.io/containers of 16 KiB, in 16 connections",
    ...ATTACKED,
    job: credentialsCalls(16, 1),
  },
  {
    id: "credentials-unread",
    isLongOnly: true,
    title: "8444: calls for 128 containers of each of 12 pods, in 500 connections that read no answer",
    ...ATTACKED,
    job: async (world) => ({ ...(await credentialsCalls(500, 12)(world)), isUnread: true }),
  },
  {
    id: "server-pages",
    title: "8080 of the server: 1 500 requests that never end",
    ...ATTACKED,
    job: (world) => unfinishedRequests(serverPort(world, "pages")),
  },
];
