// Causes the failures that happen in clusters; asserts what the app observes, and that podrole recovers without help.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { appContainer, deploymentManifest, loadContainer, podManifest } from "./pods.ts";
import {
  assumedRolePattern,
  kubectl,
  NODE_DIRECTORY,
  Not,
  onNode,
  printDiagnosis,
  rolledOut,
  scaleDeployment,
  sts,
  untilSuccess,
  useNamespace,
} from "./suite.ts";

const REQUEST = `fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {
    headers: { authorization: fs.readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, "utf8") },
  }).then((reply) => console.log(reply.status), (error) => console.log(error.cause.code))`;

const MAILER = "arn:aws:iam::123456789012:role/shop-mailer";

suite("faults", { timeout: 1_200_000 }, () => {
  const shop = useNamespace("faults");
  const orders = assumedRolePattern("shop-orders", shop.name);
  afterEach((context) => printDiagnosis(context, shop.name));

  const status = (name: string) => shop.evaluate(name, "app", REQUEST).then((output) => output.trim());
  const waitUntilServed = (name: string) =>
    untilSuccess(`credentials for ${name}`, async () => {
      const answer = await status(name);
      return answer === "200" ? answer : new Not(answer);
    });

  /** Kills a pod's podrole-sidecar with SIGKILL, as the kernel does when memory runs out. */
  async function killSidecar(name: string): Promise<void> {
    const container = "jsonpath={.status.initContainerStatuses[?(@.name=='podrole-sidecar')].containerID}";
    const id = (await shop.ok(["get", "pod", name, "-o", container])).replace("containerd://", "");
    assert.match(id, /^[0-9a-f]{64}$/);
    onNode(`ctr -n k8s.io tasks kill --signal SIGKILL ${id}`);
  }

  const isOwnNode = NODE_DIRECTORY !== "";

  test("a killed sidecar restarts with its stored credentials, and the app is not restarted", async (context) => {
    if (!isOwnNode) return context.diagnostic("not run: processes can be killed only on a node that the suite started");
    await shop.apply(podManifest("survivor", { role: "shop-orders" }));
    await shop.logs("survivor", orders);
    await killSidecar("survivor");
    const began = Date.now();
    await waitUntilServed("survivor");
    context.diagnostic(`credentials again ${Date.now() - began} ms after the kill`);
    const restarts = "jsonpath={.status.containerStatuses[0].restartCount}";
    assert.equal(await shop.ok(["get", "pod", "survivor", "-o", restarts]), "0");
  });

  test("server down: running pods keep their credentials, even if their sidecar restarts; new pods wait", async () => {
    await shop.apply(podManifest("running", { role: "shop-orders" }));
    await shop.logs("running", orders);
    await scaleDeployment("podrole-server", 0);
    try {
      assert.equal(await status("running"), "200");
      if (isOwnNode) {
        await killSidecar("running");
        await waitUntilServed("running");
      }
      await shop.apply(podManifest("newcomer", { role: "shop-orders", containers: [appContainer("app", "once")] }));
      await untilSuccess("the newcomer's sidecar to wait for the server", async () => {
        const { out, err } = await shop.run(["logs", "newcomer", "-c", "podrole-sidecar"]);
        return out.includes("SERVER_UNREACHABLE") ? out : new Not(out + err);
      });
      assert.equal(await shop.ok(["get", "pod", "newcomer", "-o", "jsonpath={.status.phase}"]), "Pending");
    } finally {
      await scaleDeployment("podrole-server", 2);
    }
    await shop.logs("newcomer", orders);
  });

  test("webhook down: pods of labelled namespaces wait and show the reason, others start; then all start", async () => {
    await scaleDeployment("podrole-webhook", 0);
    try {
      await shop.apply(deploymentManifest("waiting", { role: "shop-orders" }));
      const reason = await untilSuccess("FailedCreate", async () => {
        const description = await shop.ok(["describe", "replicaset", "-l", "app=waiting"]);
        return description.includes("FailedCreate") ? description : new Not(description);
      });
      assert.match(reason, /failed calling webhook "pods\.podrole\.io"/);
      const plain = appContainer("app", "start");
      const { code, err } = await kubectl.run(
        ["-n", "default", "apply", "-f", "-"],
        podManifest("unlabelled", { role: "shop-orders", containers: [plain] }),
      );
      assert.equal(code, 0, err);
      await kubectl.ok(["-n", "default", "delete", "pod", "unlabelled", "--wait=false"]);
    } finally {
      await scaleDeployment("podrole-webhook", 2);
    }
    // The ReplicaSet controller retries after about 16 s.
    await shop.logs("deployment/waiting", orders);
    await shop.ok(["delete", "deployment", "waiting", "--wait=false"]);
  });

  test("STS throttles: the pod starts when the throttling ends", async () => {
    await sts.set({ kind: "throttle" }, { calls: 4, roleArn: MAILER });
    await shop.apply(podManifest("throttled", { role: "shop-mailer", containers: [appContainer("app", "once")] }));
    await shop.logs("throttled", assumedRolePattern("shop-mailer", shop.name));
    await sts.clear();
  });

  test("STS stalls: running pods are not affected, and a new pod starts afterwards", async () => {
    await sts.set({ kind: "stall", ms: 20_000 }, { calls: 1, roleArn: MAILER });
    await shop.apply(podManifest("stalled", { role: "shop-mailer", containers: [appContainer("app", "once")] }));
    assert.equal(await status("running"), "200");
    await shop.logs("stalled", assumedRolePattern("shop-mailer", shop.name));
    await sts.clear();
  });

  test("a killed server: no request of a running pod fails, and new pods start", async (context) => {
    if (!isOwnNode) return context.diagnostic("not run: processes can be killed only on a node that the suite started");
    await shop.apply(deploymentManifest("clients", { role: "shop-orders", containers: [loadContainer(400)] }, 5));
    await rolledOut(shop.name, "deployment/clients");
    const [victim = ""] = onNode("pgrep -f '[p]odrole.js server'").split("\n");
    onNode(`kill -KILL ${victim}`);
    await shop.apply(podManifest("meanwhile", { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await shop.logs("meanwhile", orders);
    const tallies = (await shop.ok(["logs", "-l", "app=clients", "-c", "app", "--tail=1"])).trim().split("\n");
    assert.equal(tallies.length, 5);
    for (const line of tallies) assert.deepEqual((JSON.parse(line) as { failures: unknown }).failures, {}, line);
    await shop.ok(["delete", "deployment", "clients", "--wait=false"]);
  });
});
