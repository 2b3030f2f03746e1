// The path of a credential in ARCHITECTURE.md as a test: from kubectl apply to an AWS call, then one test for each
// failure on its left-hand side. Server, webhook and sidecar are the real programs. Each test runs alone and in any
// order: it uses pods, roles and namespaces of its own, and the one that stops a server has its own programs.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { arnOf, openShop, SHOP_ACCOUNT, type Shop } from "./shop.ts";

const ROLE = "iam.amazonaws.com/role";

suite("the path of a credential", { timeout: 120_000 }, () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
    await shop.namespace("shop");
  });
  after(async () => {
    await shop?.close();
  });

  test("kubectl apply to AWS call: an SDK gets the pod's role with only the injected environment", async () => {
    const { cluster } = shop;
    const pod = await shop.run("shop", "orders", { annotations: { [ROLE]: "shop-orders" }, image: "story/sdk:1" });
    assert.equal(await shop.phase(pod, "Succeeded", "Failed"), "Succeeded", pod.logs("app"));
    const identity = JSON.parse(pod.logs("app")) as Record<string, string>;
    assert.equal(identity["arn"], `arn:aws:sts::${SHOP_ACCOUNT}:assumed-role/shop-orders/shop.orders`);

    // The access key id joins the app's call, podrole's audit trail and CloudTrail; the uid joins certificate and
    // credentials.
    const issued = await shop.line(cluster.server, { audit: "credentials", pod: "orders", decision: "issued" });
    const certificate = await shop.line(cluster.server, { audit: "certificate", pod: "orders", decision: "issued" });
    assert.equal(issued["accessKeyId"], identity["accessKeyId"]);
    assert.equal(issued["podUid"], pod.pod.metadata.uid);
    assert.equal(
      certificate["subject"],
      `spiffe://cluster.local/ns/shop/sa/default/pod/orders/${pod.pod.metadata.uid}`,
    );
    const admission = await shop.line(cluster.webhook, { audit: "admission", pod: "orders" });
    assert.equal(admission["user"], "alice@example.com");
    const calls = cluster.sts.calls.assumed(arnOf("shop-orders"));
    assert.equal(calls.filter(({ sessionName }) => sessionName === "shop.orders").length, 1);
  });

  test("ROLE_FORBIDDEN at admission: denial, audit line, the API server's audit log, counter", async () => {
    const { cluster } = shop;
    const { code, body } = await shop.apply("shop", "intruder", { annotations: { [ROLE]: "payroll-admin" } });
    const { message } = body as { message: string };
    assert.equal(code, 403);
    assert.match(message, /^admission webhook "pods\.podrole\.io" denied the request: ROLE_FORBIDDEN: /);
    assert.ok(message.includes(arnOf("payroll-admin")), message);
    assert.equal(cluster.kubernetes.store.find("pods", "shop", "intruder"), undefined);

    const line = await shop.line(cluster.webhook, { audit: "admission", pod: "intruder" });
    assert.deepEqual([line["decision"], line["reason"]], ["refuse", "ROLE_FORBIDDEN"]);
    const seen = cluster.kubernetes.audit.find(({ objectRef }) => objectRef.name === "intruder");
    assert.equal(seen?.annotations["pods.podrole.io/reason"], "ROLE_FORBIDDEN");
    assert.match(
      await shop.metrics(cluster.webhook),
      /podrole_admission_total\{decision="refuse",reason="ROLE_FORBIDDEN"\} 1/,
    );
    assert.deepEqual(cluster.sts.calls.assumed(arnOf("payroll-admin")), []);
  });

  test("two containers get their own roles, and the excluded one gets none", async () => {
    const pod = await shop.run("shop", "pair", {
      annotations: {
        [`${ROLE}.app`]: "shop-orders",
        [`${ROLE}.web`]: "shop-web",
        "podrole.io/containers": "app,web",
      },
      containers: ["app", "web", "other"],
    });
    await shop.phase(pod, "Running");
    const [app, web, other] = await Promise.all(
      ["app", "web", "other"].map((name) => shop.requestCredentials(pod, name)),
    );
    assert.deepEqual([app?.status, app?.body["RoleArn"]], [200, arnOf("shop-orders")]);
    assert.deepEqual([web?.status, web?.body["RoleArn"]], [200, arnOf("shop-web")]);
    assert.equal(other?.status, 0);

    // TOKEN_MISSING, TOKEN_MISMATCH: a caller without a token of this pod gets no information.
    const bare = await fetch(shop.endpointOf(pod));
    assert.deepEqual([bare.status, ((await bare.json()) as { code: string }).code], [401, "TOKEN_MISSING"]);
    const guessed = await fetch(shop.endpointOf(pod), { headers: { Authorization: "x".repeat(43) } });
    const { code } = (await guessed.json()) as { code: string };
    assert.equal(code, "TOKEN_MISMATCH");
    assert.ok(guessed.status >= 400 && guessed.status < 404);
  });

  test("STS_DENIED: the pod does not start; its termination message and an Event contain STS's message", async () => {
    const { cluster } = shop;
    const pod = await shop.run("shop", "broken", { annotations: { [ROLE]: "shop-broken" } });
    assert.match(
      await shop.terminationMessage(pod),
      /^STS_DENIED: .*not authorized to perform: sts:AssumeRole.*role shop-broken does not exist; or its trust policy/,
    );
    assert.equal(pod.status().phase, "Pending");
    assert.equal((await shop.event("shop", "STS_DENIED")).involvedObject.name, "broken");
    const line = await shop.line(cluster.server, { audit: "credentials", pod: "broken", decision: "refused" });
    assert.equal(line["reason"], "STS_DENIED");
  });

  suite("after half of a session's lifetime", { concurrency: true }, () => {
    test("ROLE_FORBIDDEN at issue, POD_UNKNOWN: the sidecar returns no credentials when the permission or the pod is gone", async () => {
      const { cluster } = shop;
      await shop.namespace("fading");
      await shop.namespace("leaving");
      const annotations = { [ROLE]: "shop-fading" };
      const fading = await shop.run("fading", "web", { annotations });
      const leaving = await shop.run("leaving", "web", { annotations });
      await Promise.all([fading, leaving].map((pod) => shop.phase(pod, "Running")));
      assert.equal((await shop.requestCredentials(fading)).status, 200);
      assert.equal((await shop.requestCredentials(leaving)).status, 200);

      shop.permit("fading", arnOf("other-.*"));
      cluster.kubernetes.store.remove("pods", "leaving", "web");
      const refused = await shop.line(cluster.server, {
        audit: "credentials",
        namespace: "fading",
        decision: "refused",
      });
      assert.equal(refused["reason"], "ROLE_FORBIDDEN");
      const event = await shop.event("fading", "ROLE_FORBIDDEN");
      assert.equal(event.involvedObject.name, "web");
      assert.match(await shop.metrics(cluster.server), /podrole_credentials_total\{code="ROLE_FORBIDDEN"\} [1-9]/);
      for (const [pod, code] of [
        [fading, "ROLE_FORBIDDEN"],
        [leaving, "POD_UNKNOWN"],
      ] as const) {
        await until(
          async () => (await shop.requestCredentials(pod)).status === 403,
          `${code} at the sidecar's endpoint`,
        );
        const { body } = await shop.requestCredentials(pod);
        assert.deepEqual([body["code"], body["Code"]], [code, code]);
        assert.equal(body["SecretAccessKey"], undefined);
      }
    });

    test("STS_THROTTLED, STS_UNAVAILABLE: a new pod waits and then starts, a running app keeps its credentials", async () => {
      const { cluster } = shop;
      await shop.namespace("steady");
      const pod = await shop.run("steady", "web", { annotations: { [ROLE]: "shop-steady" } });
      await shop.phase(pod, "Running");
      const first = await shop.requestCredentials(pod);

      cluster.sts.faults.set({ kind: "throttle" }, { calls: 1, roleArn: arnOf("shop-orders") });
      const late = await shop.run("steady", "late", { annotations: { [ROLE]: "shop-orders" } });
      const throttled = await shop.line(cluster.server, { audit: "credentials", pod: "late", decision: "refused" });
      assert.equal(throttled["reason"], "STS_THROTTLED");
      cluster.sts.faults.set({ kind: "down" }, { roleArn: arnOf("shop-steady") });
      await shop.phase(late, "Running");
      assert.equal((await shop.requestCredentials(late)).status, 200);

      const renewal = await shop.line(cluster.server, {
        audit: "credentials",
        namespace: "steady",
        pod: "web",
        outcome: "stale",
      });
      assert.equal(renewal["accessKeyId"], first.body["AccessKeyId"]);
      assert.deepEqual(await shop.requestCredentials(pod), first);
      assert.match(await shop.metrics(cluster.server), /podrole_sts_calls_total\{code="STS_UNAVAILABLE"\} [1-9]/);
      cluster.sts.faults.clear();
    });
  });
});

suite("the path of a credential through a replaced server", { timeout: 120_000 }, () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(async () => {
    await shop?.close();
  });

  test("a replaced server: the running pod keeps its credentials, the next server continues with the same CA", async () => {
    const { cluster } = shop;
    await shop.namespace("moving");
    const pod = await shop.run("moving", "web", { annotations: { [ROLE]: "shop-moving" } });
    await shop.phase(pod, "Running");
    const before = cluster.kubernetes.store.get("secrets", "podrole", "podrole-ca");
    const first = await shop.requestCredentials(pod);

    assert.equal(await cluster.server.stop(), 0);
    assert.deepEqual(await shop.requestCredentials(pod), first);
    const next = await cluster.startServer();
    for (const port of ["identity", "credentials"]) {
      await shop.forward(cluster.server.ports[port] ?? 0, next.ports[port] ?? 0);
    }
    // The pod presents the certificate that the first server signed.
    await shop.line(next, { audit: "credentials", pod: "web", decision: "issued" });
    await until(
      async () => (await shop.requestCredentials(pod)).body["AccessKeyId"] !== first.body["AccessKeyId"],
      "new credentials",
    );
    assert.deepEqual(cluster.kubernetes.store.get("secrets", "podrole", "podrole-ca"), before);
    assert.deepEqual(
      next.lines.filter(({ audit }) => audit === "certificate"),
      [],
    );

    const another = await shop.run("moving", "another", { annotations: { [ROLE]: "shop-orders" } });
    await shop.phase(another, "Running");
    assert.equal((await shop.requestCredentials(another)).status, 200);
  });
});
