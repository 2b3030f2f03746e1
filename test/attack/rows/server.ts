// Attacks on the server: anyone who reaches its ports may open connections and send calls.
import { createCsr } from "../../../src/pki/csr.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import { IssueCertificateRequest } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import type { AttackWorld } from "../world.ts";
import { boundedLines, type CallerName, localAddress, type Row } from "./row.ts";

const SERVED: readonly CallerName[] = ["certificate", "credentials", "serverLiveness", "serverReadiness"];

const serverPort = ({ programs }: AttackWorld, port: string): number => programs.cluster.server.ports[port] ?? 0;

function proof(token: string): string {
  const certificateSigningRequest = createCsr(generateKeyPem(), "web");
  const message = IssueCertificateRequest.encode({ token, certificateSigningRequest, bundleHash: "" }).finish();
  return Buffer.from(message).toString("base64");
}

const IDENTITY = "/podrole.v1.Identity/IssueCertificate";

/** A token of the right form, audience and time that the API server never signed. */
function forgedToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  return `${part({ alg: "RS256", kid: "x" })}.${part({ aud: ["podrole.io"], exp, sub: "system:serviceaccount:shop:default" })}.${"A".repeat(342)}`;
}

/** TokenReviews in the API server's audit log, which is emptied before each attack. */
const tokenReviews = ({ programs }: AttackWorld): number =>
  programs.cluster.kubernetes.audit.filter(({ objectRef }) => objectRef.resource === "tokenreviews").length;

export const SERVER_ROWS: readonly Row[] = [
  {
    id: "identity-streams",
    title: "8443: 24 000 calls without a message in 8 connections",
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "streams",
      port: serverPort(world, "identity"),
      localAddress,
      connections: 8,
      path: IDENTITY,
      streams: 3_000,
    }),
  },
  {
    id: "identity-calls",
    title: "8443: calls without a token, 100 at a time in each of 8 connections",
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "streams",
      port: serverPort(world, "identity"),
      localAddress,
      connections: 8,
      path: IDENTITY,
      streams: 100,
      message: proof(""),
    }),
    also: boundedLines("server"),
  },
  {
    id: "identity-idle",
    title: "8443: 6 000 idle TLS connections",
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "hold",
      tls: true,
      port: serverPort(world, "identity"),
      localAddress,
      connections: 6_000,
      text: "",
    }),
  },
  {
    id: "identity-resets",
    title: "8443: 1 000 calls in each of 8 connections, reset at once (HTTP/2 rapid reset)",
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "resets",
      port: serverPort(world, "identity"),
      localAddress,
      connections: 8,
      path: IDENTITY,
      streams: 1_000,
    }),
    also: boundedLines("server"),
  },
  {
    id: "identity-garbage-tokens",
    title: '8443: calls with the token "not.a.token"',
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "streams",
      port: serverPort(world, "identity"),
      localAddress,
      connections: 4,
      path: IDENTITY,
      streams: 8,
      message: proof("not.a.token"),
    }),
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
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "streams",
      port: serverPort(world, "identity"),
      localAddress,
      connections: 4,
      path: IDENTITY,
      streams: 100,
      message: proof(forgedToken()),
    }),
    also: boundedLines("server"),
  },
  {
    id: "credentials-idle",
    title: "8444: 6 000 TLS connections without a certificate",
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "hold",
      tls: true,
      port: serverPort(world, "credentials"),
      localAddress,
      connections: 6_000,
      text: "",
    }),
  },
  {
    id: "server-pages",
    title: "8080 of the server: 1 500 requests that never end",
    under: "server",
    ordinary: SERVED,
    job: (world) => ({
      kind: "hold",
      tls: false,
      port: serverPort(world, "pages"),
      localAddress,
      connections: 1_500,
      text: "GET /metrics HTTP/1.1\r\nHost: localhost\r\n",
    }),
  },
];
