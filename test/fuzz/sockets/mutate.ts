// The webhook's port: bodies of any kind over HTTPS, on connections that are kept alive.
import assert from "node:assert/strict";
import { Agent, request } from "node:https";
import * as fc from "fast-check";
import { annotatedPod, reviewOf } from "../../webhook/requests.ts";
import { HOSTILE_TEXTS, mutatedJson, mutatedText } from "../generate.ts";
import { assertNoCanary, canaryOf } from "../target.ts";
import { socketTarget } from "./socket-target.ts";

const STATUSES = new Set([200, 400, 404, 405, 411, 413, 415, 431]);

const [pod, refused] = [
  annotatedPod({ "iam.amazonaws.com/role": "shop-app" }),
  annotatedPod({ "iam.amazonaws.com/role": "bank-admin" }),
];
const user = { username: "alice", groups: ["a"], extra: { token: [canaryOf("an extra field of the user")] } };
const REVIEWS = [pod, refused, annotatedPod({})].map((one) =>
  reviewOf({ ...one, spec: { ...one.spec, serviceAccountName: "default" } }, { userInfo: user }),
);
const TEXTS = [
  ...REVIEWS.map((review) => JSON.stringify(review)),
  "[".repeat(10_000),
  '{"a":'.repeat(3_000),
  "\ufeff{}",
];

interface Post {
  readonly body: string;
  readonly type: string;
  readonly method: string;
  readonly path: string;
  readonly header: string;
}

export const MUTATE_TARGETS = [
  socketTarget<Post>({
    name: "webhook, bodies",
    weight: 4,
    concurrency: 8,
    async open({ programs, ca }) {
      const agent = new Agent({ keepAlive: true, ca, maxSockets: 8, servername: "podrole-webhook.podrole.svc" });
      return {
        inputs: fc.record({
          body: fc.oneof(
            { weight: 3, arbitrary: mutatedJson(REVIEWS).map((review) => JSON.stringify(review)) },
            { weight: 1, arbitrary: mutatedText(TEXTS) },
          ),
          type: fc.oneof(
            { weight: 8, arbitrary: fc.constant("application/json") },
            {
              weight: 1,
              arbitrary: fc.constantFrom(
                "text/plain",
                "",
                "application/json; charset=utf-16",
                "application/x-protobuf",
              ),
            },
          ),
          method: fc.oneof(
            { weight: 9, arbitrary: fc.constant("POST") },
            { weight: 1, arbitrary: fc.constantFrom("GET", "PUT", "OPTIONS") },
          ),
          path: fc.oneof(
            { weight: 9, arbitrary: fc.constant("/mutate?timeout=5s") },
            { weight: 1, arbitrary: fc.constantFrom("/", "/mutate/", "/%2e%2e/mutate", "//mutate") },
          ),
          header: fc.constantFrom(...HOSTILE_TEXTS.filter((text) => /^[\x20-\x7e]*$/.test(text))),
        }),
        send: ({ body, type, method, path, header }) =>
          new Promise((resolve, reject) => {
            const headers = {
              ...(type !== "" && { "content-type": type }),
              "content-length": Buffer.byteLength(body),
              "x-fuzz": header,
            };
            const options = {
              host: "127.0.0.1",
              port: programs.cluster.webhook.ports["webhook"],
              path,
              method,
              agent,
              headers,
            };
            const call = request(options, (response) => {
              let text = "";
              response.setEncoding("utf8").on("data", (chunk: string) => {
                text += chunk;
              });
              response.on("end", () => {
                try {
                  assert.ok(
                    STATUSES.has(response.statusCode ?? 0),
                    `the status is ${response.statusCode}: ${text.slice(0, 300)}`,
                  );
                  assert.ok(!text.includes('"INTERNAL"'), text.slice(0, 500));
                  assertNoCanary(text);
                  resolve();
                } catch (error) {
                  reject(error);
                }
              });
            });
            // A kept connection may end between two requests.
            call.on("error", (error: NodeJS.ErrnoException) =>
              error.code === "ECONNREFUSED" ? reject(error) : resolve(),
            );
            call.end(body);
          }),
        close: () => agent.destroy(),
      };
    },
  }),
];
