// What fails in a cluster, made to fail: what the app sees is asserted, and that everything is well again by itself.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import {
  assumed,
  diagnose,
  eventually,
  kubectl,
  NODE_DIRECTORY,
  Not,
  onNode,
  rolledOut,
  scale,
  sts,
  useNamespace,
} from "./suite.ts";
import { app, deployment, load, pod } from "./pods.ts";

const ASK = `fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {
    headers: { authorization: fs.readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, "utf8") },
  }).then((reply) => console.log(reply.status), (error) => console.log(error.cause.code))`;

const MAILER = "arn:aws:iam::123456789012:role/shop-mailer";

suite("faults", { timeout: 1_200_000 }, () => {
  const shop = useNamespace("faults");
  const orders = assumed("shop-orders", shop.name);
  afterEach((context) => diagnose(context, shop.name));

  const status = (name: string) => shop.evaluate(name, "app", ASK).then((said) => said.trim());
  const isServed = (name: string) =>
    eventually(`credentials for ${name}`, async () => {
      const said = await status(name);
      return said === "200" ? said : new Not(said);
    });

  /** Kills podrole-sidecar of a pod with SIGKILL, as the kernel would for lack of memory. */
  async function killSidecar(name: string): Promise<void> {
    const container = "jsonpath={.status.initContainerStatuses[?(@.name=='podrole-sidecar')].containerID}";
    const id = (await shop.ok(["get", "pod", name, "-o", container])).replace("containerd://", "");
    assert.match(id, /^[0-9a-f]{64}$/);
    onNode(`ctr -n k8s.io tasks kill --signal SIGKILL ${id}`);
  }

  const isOurs = NODE_DIRECTORY !== "";

  test("a killed sidecar is back with what it had, and the app is not restarted", async (context) => {
    if (!isOurs) return context.diagnostic("not run: a process can be killed on a node of the suite's own only");
    await shop.apply(pod("survivor", { role: "shop-orders" }));
    await shop.logs("survivor", orders);
    await killSidecar("survivor");
    const began = Date.now();
    await isServed("survivor");
    context.diagnostic(`credentials again ${Date.now() - began} ms after the kill`);
    const restarts = "jsonpath={.status.containerStatuses[0].restartCount}";
    assert.equal(await shop.ok(["get", "pod", "survivor", "-o", restarts]), "0");
  });

  test("server down: running pods keep their credentials, also over a restart of their sidecar; new ones wait", async () => {
    await shop.apply(pod("running", { role: "shop-orders" }));
    await shop.logs("running", orders);
    await scale("podrole-server", 0);
    try {
      assert.equal(await status("running"), "200");
      if (isOurs) {
        await killSidecar("running");
        await isServed("running");
      }
      await shop.apply(pod("newcomer", { role: "shop-orders", containers: [app("app", "once")] }));
      await eventually("the newcomer's sidecar to wait for the server", async () => {
        const { out, err } = await shop.run(["logs", "newcomer", "-c", "podrole-sidecar"]);
        return out.includes("SERVER_UNREACHABLE") ? out : new Not(out + err);
      });
      assert.equal(await shop.ok(["get", "pod", "newcomer", "-o", "jsonpath={.status.phase}"]), "Pending");
    } finally {
      await scale("podrole-server", 2);
    }
    await shop.logs("newcomer", orders);
  });

  test("webhook down: pods of labelled namespaces wait with the reason, others start; when it is back, all start", async () => {
    await scale("podrole-webhook", 0);
    try {
      await shop.apply(deployment("waiting", { role: "shop-orders" }));
      const reason = await eventually("FailedCreate", async () => {
        const said = await shop.ok(["describe", "replicaset", "-l", "app=waiting"]);
        return said.includes("FailedCreate") ? said : new Not(said);
      });
      assert.match(reason, /failed calling webhook "pods\.podrole\.io"/);
      const plain = app("app", "start");
      const { code, err } = await kubectl.run(
        ["-n", "default", "apply", "-f", "-"],
        pod("unlabelled", { role: "shop-orders", containers: [plain] }),
      );
      assert.equal(code, 0, err);
      await kubectl.ok(["-n", "default", "delete", "pod", "unlabelled", "--wait=false"]);
    } finally {
      await scale("podrole-webhook", 2);
    }
    // The ReplicaSet's controller tries again by itself, after 16 s or so.
    await shop.logs("deployment/waiting", orders);
    await shop.ok(["delete", "deployment", "waiting", "--wait=false"]);
  });

  test("STS throttles: the pod starts when it no longer does", async () => {
    await sts.set({ kind: "throttle" }, { calls: 4, roleArn: MAILER });
    await shop.apply(pod("throttled", { role: "shop-mailer", containers: [app("app", "once")] }));
    await shop.logs("throttled", assumed("shop-mailer", shop.name));
    await sts.clear();
  });

  test("STS stalls: running pods notice nothing, and the new one starts after it", async () => {
    await sts.set({ kind: "stall", ms: 20_000 }, { calls: 1, roleArn: MAILER });
    await shop.apply(pod("stalled", { role: "shop-mailer", containers: [app("app", "once")] }));
    assert.equal(await status("running"), "200");
    await shop.logs("stalled", assumed("shop-mailer", shop.name));
    await sts.clear();
  });

  test("a server that is killed takes nothing along: pods go on asking, and new ones start", async (context) => {
    if (!isOurs) return context.diagnostic("not run: a process can be killed on a node of the suite's own only");
    await shop.apply(deployment("askers", { role: "shop-orders", containers: [load(400)] }, 5));
    await rolledOut(shop.name, "deployment/askers");
    const [victim = ""] = onNode("pgrep -f '[p]odrole.js server'").split("\n");
    onNode(`kill -KILL ${victim}`);
    await shop.apply(pod("meanwhile", { role: "shop-orders", containers: [app("app", "once")] }));
    await shop.logs("meanwhile", orders);
    const tallies = (await shop.ok(["logs", "-l", "app=askers", "-c", "app", "--tail=1"])).trim().split("\n");
    assert.equal(tallies.length, 5);
    for (const line of tallies) assert.deepEqual((JSON.parse(line) as { failures: unknown }).failures, {}, line);
    await shop.ok(["delete", "deployment", "askers", "--wait=false"]);
  });
});
