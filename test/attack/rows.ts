// The attacks: each row is one way to spend a program's memory or time without a right to it. Numbers are those that once
// broke the program; `scale` shortens an attack, never its size.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { IssueCertificateRequest } from "../../src/protocol/generated/podrole/v1/podrole.ts";
import { podOf, reviewOf } from "../webhook/requests.ts";
import type { Job } from "./attacker.ts";
import type { AttackWorld, GroupName } from "./world.ts";

/** The names of ordinary callers. */
export type CallerName = keyof AttackWorld["ordinary"];

/** One attack. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly under: GroupName;
  /** Who must still be served. */
  readonly ordinary: readonly CallerName[];
  readonly job: (world: AttackWorld) => Job;
  /**
   * Checks afterwards what latencies do not show; returns what is wrong, undefined if nothing is. `seconds`: how long
   * the attack lasted.
   */
  readonly also?: (world: AttackWorld, seconds: number) => string | undefined;
}

/** Where an attacker connects from: the ordinary callers connect from 127.0.0.1. */
export const ADDRESSES = { own: "127.0.0.66", shared: "127.0.0.1" } as const;
export type Address = keyof typeof ADDRESSES;

const MIB = 1024 * 1024;
const localAddress = "";

const post = (bytes: number) =>
  `POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;

/** Writes a review as a whole request to a file, because arguments of processes are short. */
function reviewFile({ directory }: AttackWorld, name: string, pod: object, request: object = {}): string {
  const body = Buffer.from(JSON.stringify(reviewOf(pod, { namespace: "shop", ...request })));
  const file = join(directory, `${name}.http`);
  writeFileSync(file, Buffer.concat([Buffer.from(post(body.length)), body]));
  return file;
}

const pod = podOf({ "iam.amazonaws.com/role": "shop-app" });
const withAnnotations = (annotations: object) => ({ ...pod, metadata: { ...pod.metadata, annotations } });
const many = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => name(index));

const webhookPort = ({ programs }: AttackWorld): number => programs.stage.webhook.ports["webhook"] ?? 0;
const serverPort = ({ programs }: AttackWorld, port: string): number => programs.stage.server.ports[port] ?? 0;

const REVIEWERS: readonly CallerName[] = ["review", "webhookLiveness", "webhookReadiness"];
const SERVED: readonly CallerName[] = ["certificate", "credentials", "serverLiveness", "serverReadiness"];

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
  programs.stage.kubernetes.audit.filter(({ objectRef }) => objectRef.resource === "tokenreviews").length;

/** Lines of a program's log that an attack caused, and the longest of them. */
function linesOf(
  world: AttackWorld,
  program: "server" | "webhook",
): { readonly count: number; readonly longest: number } {
  const { lines } = world.programs.stage[program];
  const count = lines.length;
  const longest = lines.reduce((most, line) => Math.max(most, JSON.stringify(line).length), 0);
  return { count, longest };
}

/** The ordinary callers beside an attack cause some lines of their own. */
const LINES_EACH_SECOND = 60;
const LONGEST_LINE = 16 * 1024;

function boundedLines(program: "server" | "webhook"): NonNullable<Row["also"]> {
  return (world, seconds) => {
    const { count, longest } = linesOf(world, program);
    if (longest > LONGEST_LINE) return `a log line has ${longest} characters; expected at most ${LONGEST_LINE}`;
    const most = Math.round(LINES_EACH_SECOND * seconds);
    return count > most ? `${count} log lines in ${Math.round(seconds)} s; expected at most ${most}` : undefined;
  };
}

export const ROWS: readonly Row[] = [
  {
    id: "webhook-bodies",
    title: "9443: 60 connections that send 6.9 of 7 MiB and then nothing",
    under: "webhook",
    ordinary: REVIEWERS,
    job: (world) => ({
      kind: "hold",
      tls: true,
      port: webhookPort(world),
      localAddress,
      connections: 60,
      text: post(7 * MIB),
      fill: 6.9 * MIB,
    }),
  },
  {
    id: "webhook-annotations",
    title: "9443: reviews with 1.4 MiB of annotations named like podrole's",
    under: "webhook",
    ordinary: REVIEWERS,
    job: (world) => ({
      kind: "repeat",
      tls: true,
      port: webhookPort(world),
      localAddress,
      connections: 2,
      file: reviewFile(
        world,
        "annotations",
        withAnnotations(
          Object.fromEntries(
            many(24_000, (index) => `iam.amazonaws.com/rol-${index}-${"e".repeat(20)}`).map((name) => [name, "x"]),
          ),
        ),
      ),
    }),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-containers",
    title: "9443: reviews of a pod with 20 000 containers",
    under: "webhook",
    ordinary: REVIEWERS,
    job: (world) => ({
      kind: "repeat",
      tls: true,
      port: webhookPort(world),
      localAddress,
      connections: 2,
      file: reviewFile(world, "containers", {
        ...pod,
        spec: { ...pod.spec, containers: many(20_000, (index) => `c${index}`).map((name) => ({ name, image: "a" })) },
      }),
    }),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-user",
    title: "9443: reviews with a user name of 1 MB and 100 000 groups",
    under: "webhook",
    ordinary: REVIEWERS,
    job: (world) => ({
      kind: "repeat",
      tls: true,
      port: webhookPort(world),
      localAddress,
      connections: 2,
      file: reviewFile(world, "user", pod, {
        userInfo: { username: "u".repeat(1_000_000), groups: many(100_000, (index) => `group-${index}`) },
      }),
    }),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-expressions",
    title: "9443: reviews with 1 000 roles, which cause two reads of the API server each",
    under: "webhook",
    ordinary: REVIEWERS,
    job: (world) => ({
      kind: "repeat",
      tls: true,
      port: webhookPort(world),
      localAddress,
      connections: 8,
      everyMs: 5,
      file: reviewFile(
        world,
        "roles",
        withAnnotations(
          Object.fromEntries(
            many(1_000, (index) => `iam.amazonaws.com/role.c${index}`).map((name) => [name, "bank-admin"]),
          ),
        ),
      ),
    }),
  },
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
      text: "GET /metrics HTTP/1.1\r\nHost: x\r\n",
    }),
  },
  {
    id: "webhook-pages",
    title: "8080 of the webhook: 1 500 requests that never end",
    under: "webhook",
    ordinary: REVIEWERS,
    job: ({ programs }) => ({
      kind: "hold",
      tls: false,
      port: programs.stage.webhook.ports["pages"] ?? 0,
      localAddress,
      connections: 1_500,
      text: "GET /metrics HTTP/1.1\r\nHost: x\r\n",
    }),
  },
  {
    id: "sidecar-metrics",
    title: "9764: 1 200 clients that keep their connections and read /metrics every 4 s",
    under: "sidecar",
    ordinary: ["app", "sidecarLiveness"],
    job: ({ sidecar, directory }) => ({
      kind: "repeat",
      tls: false,
      port: sidecar.healthPort,
      localAddress,
      connections: 1_200,
      everyMs: 4_000,
      file: requestFile(directory, "metrics", "/metrics"),
    }),
  },
  {
    id: "sidecar-hogs",
    title: "9763: 1 100 connections that are kept alive, with invalid tokens",
    under: "sidecar",
    ordinary: ["app", "sidecarLiveness"],
    job: ({ sidecar, directory }) => ({
      kind: "repeat",
      tls: false,
      port: sidecar.port,
      localAddress,
      connections: 1_100,
      everyMs: 4_000,
      file: requestFile(directory, "hogs", "/v1/credentials", "Authorization: x\r\n"),
    }),
  },
  {
    id: "sidecar-pipeline",
    title: "9763: 10 connections that pipeline requests and read no answer, while there are no credentials",
    under: "sidecarWithout",
    ordinary: ["appWithout", "livenessWithout"],
    job: ({ sidecarWithout }) => ({
      kind: "pipeline",
      port: sidecarWithout.port,
      localAddress,
      connections: 10,
      text: "GET /v1/credentials HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\n\r\n",
    }),
  },
];

function requestFile(directory: string, name: string, path: string, headers = ""): string {
  const file = join(directory, `${name}.http`);
  writeFileSync(file, `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  return file;
}
