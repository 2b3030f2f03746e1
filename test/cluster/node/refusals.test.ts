// What a person is told who may not have what was asked for: by kubectl at once, by the ReplicaSet's events, by
// `kubectl describe pod` when only AWS could say no.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { assumed, diagnose, eventually, Not, sts, useNamespace } from "./suite.ts";
import { app, deployment, pod } from "./pods.ts";

suite("refusals", { timeout: 600_000 }, () => {
  const shop = useNamespace("refusals");
  afterEach((context) => diagnose(context, shop.name));

  const refused = [
    { code: "ROLE_FORBIDDEN", shape: { role: "payroll-admin" }, words: /namespace "refusals" permits/ },
    { code: "ROLE_INVALID", shape: { role: "arn:aws:iam::123:role/x" }, words: /arn:aws:iam::123:role\/x/ },
    {
      code: "CONTAINER_UNKNOWN",
      shape: { annotations: { "iam.amazonaws.com/role.nobody": "shop-orders" } },
      words: /nobody/,
    },
    {
      code: "ANNOTATION_INVALID",
      shape: { role: "shop-orders", annotations: { "podrole.io/mode": "modern" } },
      words: /it is "modern"; expected "native" or "classic"/,
    },
  ];
  for (const { code, shape, words } of refused) {
    test(`${code}: kubectl apply says so`, async (context) => {
      const said = await shop.run(["apply", "-f", "-"], pod(code.toLowerCase().replaceAll("_", "-"), shape));
      context.diagnostic(said.err.trim());
      assert.equal(said.code, 1);
      assert.match(said.err, new RegExp(`denied the request: ${code}: `));
      assert.match(said.err, words);
    });
  }

  test("ROLE_FORBIDDEN: the Deployment's ReplicaSet tells it in an event and in kubectl describe", async (context) => {
    await shop.apply(deployment("intruder", { role: "payroll-admin" }));
    const description = await eventually("FailedCreate", async () => {
      const said = await shop.ok(["describe", "replicaset", "-l", "app=intruder"]);
      return said.includes("FailedCreate") ? said : new Not(said);
    });
    context.diagnostic(description.slice(description.indexOf("Events:")));
    assert.match(description, /FailedCreate.*ROLE_FORBIDDEN: Cannot give role .*payroll-admin/);
    await shop.ok(["delete", "deployment", "intruder"]);
  });

  test("STS_DENIED: kubectl describe pod shows STS's words, what is missing, and an Event", async (context) => {
    await shop.apply(pod("untrusted", { role: "shop-untrusted", containers: [app("app", "once")] }));
    const description = await eventually("STS_DENIED in kubectl describe", async () => {
      const said = await shop.ok(["describe", "pod", "untrusted"]);
      const isTold = /Message:\s+STS_DENIED: /.test(said) && /Warning\s+STS_DENIED/.test(said);
      return isTold ? said : new Not(said);
    });
    context.diagnostic(description.slice(description.indexOf("Events:")));
    assert.match(description, /is not authorized to perform: sts:AssumeRole/);
    assert.match(description, /trust policy/);
    const waiting = ["get", "pod", "untrusted", "-o", "jsonpath={.status.phase}"];
    assert.equal(await shop.ok(waiting), "Pending", "its app must not have started");
    await shop.ok(["delete", "pod", "untrusted"]);
  });

  test("STS_DENIED passes: the pod that waited starts when the role trusts the server", async () => {
    await sts.set({ kind: "deny" }, { roleArn: "arn:aws:iam::123456789012:role/shop-busy" });
    await shop.apply(pod("patient", { role: "shop-busy", containers: [app("app", "once")] }));
    await eventually("STS_DENIED", async () => {
      const said = await shop.events("patient");
      return said.includes("STS_DENIED") ? said : new Not(said);
    });
    await sts.clear();
    await shop.logs("patient", assumed("shop-busy", shop.name));
  });
});
