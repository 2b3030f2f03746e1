import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { MAX_POLICY_LENGTH } from "../../../src/policy/session-policy.ts";
import { createSessionPolicyReader } from "../../../src/server/issue/session-policy-reader.ts";
import { createFakeClock } from "../../fakes/clock.ts";

type Data = Readonly<Record<string, string>> | undefined;

function setUp(answer: (name: string) => Data = (name) => ({ "policy.json": name })) {
  const clock = createFakeClock();
  const reads: string[] = [];
  const read = createSessionPolicyReader({
    clock,
    getConfigMap: async (namespace, name) => {
      reads.push(`${namespace}/${name}`);
      return answer(name);
    },
  });
  return { clock, reads, read };
}

test("createSessionPolicyReader() reads a ConfigMap once for 128 containers, and again after 5 s", async () => {
  const { clock, reads, read } = setUp();
  const texts = await Promise.all(Array.from({ length: 128 }, () => read("shop", "narrow")));
  assert.deepEqual(new Set(texts), new Set(["narrow"]));
  await clock.advance(4_999);
  await read("shop", "narrow");
  assert.deepEqual(reads, ["shop/narrow"]);
  await clock.advance(1);
  await read("shop", "narrow");
  assert.deepEqual(reads, ["shop/narrow", "shop/narrow"]);
});

test("createSessionPolicyReader() reads ConfigMaps of two namespaces separately", async () => {
  const { reads, read } = setUp();
  await Promise.all([read("shop", "narrow"), read("bank", "narrow")]);
  assert.deepEqual(reads, ["shop/narrow", "bank/narrow"]);
});

test("createSessionPolicyReader() remembers an absent policy, and a missing permission", async () => {
  const { reads, read } = setUp((name) => {
    if (name === "forbidden") throw new ApiError(403, "Forbidden", "Cannot get configmaps: 403");
    return name === "absent" ? undefined : { other: "x" };
  });
  for (let call = 0; call < 2; call++) {
    assert.equal(await read("shop", "absent"), undefined);
    assert.equal(await read("shop", "without-key"), undefined);
    await assert.rejects(read("shop", "forbidden"), { code: "KUBERNETES_UNAVAILABLE" });
  }
  assert.deepEqual(reads, ["shop/absent", "shop/without-key", "shop/forbidden"]);
});

test("createSessionPolicyReader() keeps one character more than a policy may have", async () => {
  const { read } = setUp((name) => ({ "policy.json": "x".repeat(Number(name)) }));
  assert.equal((await read("shop", `${MAX_POLICY_LENGTH}`))?.length, MAX_POLICY_LENGTH);
  assert.equal((await read("shop", "1000000"))?.length, MAX_POLICY_LENGTH + 1);
});
