// The server's state as a fact that may be unknown.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ApiError, requestRejected } from "../../../src/kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../../src/kubernetes/operator.ts";
import { askAboutPod, createServerQuestion } from "../../../src/operations/state/ask-server.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { examplePage, examplePod } from "../../protocol/state/pages.ts";
import { podWith } from "../status/pods.ts";

const REPLICA = {
  metadata: { name: "podrole-server-1" },
  spec: { containers: [{ name: "server", ports: [{ name: "state", containerPort: 8445 }] }] },
  status: { phase: "Running" },
};
const FORBIDDEN = requestRejected({ verb: "create", resource: "serviceaccounts/token", namespace: "podrole" }, 403, {});

function questionWith(change: Partial<Record<keyof OperatorKubernetes, unknown>> = {}) {
  const page = examplePage("podrole-server-1", { pods: [examplePod({ name: "orders", uid: "uid-shop-orders" })] });
  const kubernetes = {
    requestToken: async () => new Secret("token"),
    listAll: async () => [REPLICA],
    readProxied: async () => ({ status: 200, text: JSON.stringify(page) }),
    ...change,
  } as unknown as OperatorKubernetes;
  return createServerQuestion({ kubernetes }, { podroleNamespace: "podrole" });
}

const rejects = (error: Error) => () => Promise.reject(error);

suite("createServerQuestion()", () => {
  test("askAboutPod() finds a pod by its uid, and nothing for a pod of the same name", async () => {
    const pod = podWith();
    const known = await askAboutPod(questionWith(), pod);
    assert.ok("value" in known && known.value?.name === "orders");
    const other = { ...pod, metadata: { ...pod.metadata, uid: "another" } };
    assert.deepEqual(await askAboutPod(questionWith(), other), { value: undefined });
  });

  test("createServerQuestion() names the permission that the caller lacks", async () => {
    const answer = await questionWith({ requestToken: rejects(FORBIDDEN) })(undefined);
    const needs = ["create on serviceaccounts/token podrole-reader in podrole"];
    assert.deepEqual(answer, { unknown: `needs ${needs[0]}`, needs });
  });

  for (const [when, failures] of [
    ["", 0],
    [", also if its settings could not be read at first", 1],
  ] as const) {
    test(`createServerQuestion() requests a token of the audience that the installed server expects${when}`, async () => {
      const args = ["server", "--audience", "podrole.example.com"];
      const spec = { template: { metadata: {}, spec: { containers: [{ name: "server", args }] } } };
      const audiences: string[] = [];
      let left: number = failures;
      const ask = questionWith({
        async listAll(resource: string) {
          if (resource !== "deployments") return [REPLICA];
          if (left-- > 0) throw new ApiError(0, "", "Cannot list deployments: cannot connect");
          return [{ metadata: { name: "podrole-server" }, spec }];
        },
        async requestToken(_account: object, { audience }: { readonly audience: string }) {
          audiences.push(audience);
          return new Secret("token");
        },
      });
      for (let times = 0; times <= failures; times++) assert.ok("value" in (await ask(undefined)));
      assert.deepEqual(audiences.slice(failures), ["podrole.example.com"]);
    });
  }

  for (const [what, change, unknown] of [
    ["no reader", { requestToken: rejects(new ApiError(404, "NotFound", "x")) }, /^there is no ServiceAccount/],
    [
      "an API server that does not respond",
      { requestToken: rejects(new ApiError(0, "", "Cannot create: cannot connect")) },
      /^Cannot create: cannot connect$/,
    ],
    [
      "a newer server",
      { readProxied: async () => ({ status: 200, text: '{"version":99}' }) },
      /version 99; expected 1: use the command line of the server's version/,
    ],
    [
      "an older server",
      { readProxied: async () => ({ status: 404, text: '{"code":"PATH_UNKNOWN"}' }) },
      /no state port/,
    ],
    [
      "an answer that is no JSON",
      { readProxied: async () => ({ status: 200, text: "<html>" }) },
      /is not a JSON object/,
    ],
  ] as const) {
    test(`createServerQuestion() does not reject, and says why the state is unknown, for ${what}`, async () => {
      const answer = await questionWith(change)("shop");
      assert.ok("unknown" in answer);
      assert.match(answer.unknown, unknown);
      assert.deepEqual(answer.needs ?? [], []);
    });
  }
});
