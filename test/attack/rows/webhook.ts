// Attacks on the webhook: anyone who reaches its port may send a review.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_CONTAINERS_WITH_ROLE } from "../../../src/policy/containers.ts";
import { annotatedPod, reviewOf } from "../../webhook/requests.ts";
import type { Job } from "../attacker.ts";
import type { AttackWorld } from "../world.ts";
import {
  type AttackRow,
  boundedLines,
  type CallerName,
  localAddress,
  longList,
  recordedGreetings,
  shortLines,
  unfinishedRequests,
} from "./row.ts";

const MIB = 1024 * 1024;
const REVIEWERS: readonly CallerName[] = ["review", "webhookLiveness", "webhookReadiness"];

const post = (bytes: number) =>
  `POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;

/** Writes a review as a whole request to a file, because arguments of processes are short. */
export function writeReviewFile(directory: string, name: string, pod: object, request: object = {}): string {
  const body = Buffer.from(JSON.stringify(reviewOf(pod, { namespace: "shop", ...request })));
  const file = join(directory, `${name}.http`);
  writeFileSync(file, Buffer.concat([Buffer.from(post(body.length)), body]));
  return file;
}

const pod = annotatedPod({ "iam.amazonaws.com/role": "shop-app" });
const withAnnotations = (annotations: object) => ({ ...pod, metadata: { ...pod.metadata, annotations } });
const many = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => name(index));

const webhookPort = ({ programs }: AttackWorld): number => programs.cluster.webhook.ports["webhook"] ?? 0;

interface ReviewOptions {
  /** Fields of the AdmissionReview's request. */
  readonly request?: object;
  readonly connections?: number;
  readonly everyMs?: number;
}

/** Connections that send a review of the pod again and again; the pod is made when the attack begins. */
function reviewsOf(name: string, make: () => object, { request, connections = 2, everyMs }: ReviewOptions = {}) {
  return (world: AttackWorld): Job => ({
    kind: "repeat",
    tls: true,
    port: webhookPort(world),
    localAddress,
    connections,
    ...(everyMs !== undefined && { everyMs }),
    file: writeReviewFile(world.directory, name, make(), request),
  });
}

const ATTACKED = { under: "webhook", ordinary: REVIEWERS } as const;

export const WEBHOOK_ROWS: readonly AttackRow[] = [
  {
    id: "webhook-bodies",
    title: "9443: 60 connections that send 2.9 of 3 MiB and then nothing",
    ...ATTACKED,
    job: (world) => ({
      kind: "hold",
      tls: true,
      port: webhookPort(world),
      localAddress,
      connections: 60,
      text: post(3 * MIB),
      fill: 2.9 * MIB,
    }),
  },
  {
    id: "webhook-annotations",
    title: "9443: reviews with 1.4 MiB of annotations named like podrole's",
    ...ATTACKED,
    job: reviewsOf("annotations", () =>
      withAnnotations(
        Object.fromEntries(
          many(24_000, (index) => `iam.amazonaws.com/rol-${index}-${"e".repeat(20)}`).map((name) => [name, "x"]),
        ),
      ),
    ),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-labels",
    title: "9443: reviews with 90 000 labels in podrole's domain, in 4 connections",
    ...ATTACKED,
    job: reviewsOf(
      "labels",
      () => ({
        ...pod,
        metadata: {
          ...pod.metadata,
          labels: Object.fromEntries(many(90_000, (index) => `podrole.io/l${index}`).map((name) => [name, ""])),
        },
      }),
      { connections: 4 },
    ),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-containers",
    title: "9443: reviews of a pod with 20 000 containers",
    ...ATTACKED,
    job: reviewsOf("containers", () => ({
      ...pod,
      spec: { ...pod.spec, containers: many(20_000, (index) => `c${index}`).map((name) => ({ name, image: "a" })) },
    })),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-container-list",
    title: "9443: reviews of a pod of 128 containers with roles, and podrole.io/containers of 16 KiB",
    ...ATTACKED,
    job: reviewsOf("container-list", () => {
      const names = many(MAX_CONTAINERS_WITH_ROLE, (index) => `${"c".repeat(20)}${index}`);
      const roles = names.map((name, index) => [`iam.amazonaws.com/role.${name}`, `shop-${index}`]);
      const list = longList(names);
      return {
        ...withAnnotations({ ...Object.fromEntries(roles), "podrole.io/containers": list }),
        spec: { ...pod.spec, containers: names.map((name) => ({ name, image: "a" })) },
      };
    }),
    also: shortLines("webhook"),
  },
  {
    id: "webhook-user",
    title: "9443: reviews with a user name of 1 MB and 100 000 groups",
    ...ATTACKED,
    job: reviewsOf("user", () => pod, {
      request: {
        userInfo: { username: "u".repeat(1_000_000), groups: many(100_000, (index) => `group-${index}`) },
      },
    }),
    also: boundedLines("webhook"),
  },
  {
    id: "webhook-expressions",
    title: "9443: reviews with 1 000 roles, which cause two reads of the API server each",
    ...ATTACKED,
    job: reviewsOf(
      "roles",
      () =>
        withAnnotations(
          Object.fromEntries(
            many(1_000, (index) => `iam.amazonaws.com/role.c${index}`).map((name) => [name, "bank-admin"]),
          ),
        ),
      { connections: 8, everyMs: 5 },
    ),
  },
  {
    id: "webhook-greetings",
    title: "9443: 700 connections that replay the beginning of a handshake, leave and come again",
    ...ATTACKED,
    job: (world) => recordedGreetings(webhookPort(world), "X25519"),
  },
  {
    id: "webhook-expensive-greetings",
    title: "9443: the same with P-521, which the port does not accept",
    ...ATTACKED,
    job: (world) => recordedGreetings(webhookPort(world), "P-521"),
  },
  {
    id: "webhook-pages",
    title: "8080 of the webhook: 1 500 requests that never end",
    ...ATTACKED,
    job: ({ programs }) => unfinishedRequests(programs.cluster.webhook.ports["pages"] ?? 0),
  },
];
