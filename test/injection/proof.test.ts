// The proof of an injected pod: how long it lives decides how often every kubelet of the cluster calls the API server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { podroleVolumes } from "../../src/injection/containers.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

/** The kubelet replaces a token after this share of its lifetime. */
const REPLACED_AFTER = 0.8;

test("podroleVolumes() requests a proof that costs 10 000 pods fewer than 4 TokenRequests a second", () => {
  const proof = podroleVolumes(PLAN_SETTINGS).find(({ name }) => name === "podrole-proof");
  assert.ok(proof);
  const { sources } = proof["projected"] as { sources: { serviceAccountToken: Record<string, unknown> }[] };
  assert.equal(sources.length, 1);
  const { audience, expirationSeconds, path } = sources[0]?.serviceAccountToken ?? {};
  assert.deepEqual([audience, path], ["podrole.io", "token"]);
  assert.ok(10_000 / (Number(expirationSeconds) * REPLACED_AFTER) < 4, `${String(expirationSeconds)} s`);
});
