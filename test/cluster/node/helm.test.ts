// podrole by `helm install`: pods get roles, no request fails during an upgrade or a rollback under load, and uninstall
// leaves nothing. main.ts has installed the release `podrole` (install/installers.ts); the last test removes it.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { createClients } from "./clients.ts";
import { createHelm } from "./install/helm.ts";
import { appContainer, deploymentManifest, jobManifest, podManifest } from "./pods.ts";
import {
  assumedRolePattern,
  kubectl,
  Not,
  objectsNamed,
  printDiagnosis,
  rolledOut,
  untilSuccess,
  useNamespace,
} from "./suite.ts";

const helm = createHelm(process.env);

suite("helm", { timeout: 1_200_000 }, () => {
  const shop = useNamespace("helm", { labels: { "pod-security.kubernetes.io/enforce": "restricted" } });
  const clients = createClients(shop);
  afterEach((context) => printDiagnosis(context, shop.name));

  /** The CA, and the caBundle by which the API server verifies the webhook. */
  async function trust() {
    const secret = await kubectl.json<{ data: unknown; metadata: { uid: string } }>([
      "-n",
      "podrole",
      "get",
      "secret",
      "podrole-ca",
    ]);
    const path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
    const caBundle = await kubectl.ok(["get", "mutatingwebhookconfiguration", "podrole", "-o", path]);
    assert.notEqual(caBundle, "");
    return { ca: secret.data, uid: secret.metadata.uid, caBundle };
  }

  const revisions = async () =>
    (await helm.json<readonly { revision: number; status: string }[]>(["history", "podrole"])).map(
      ({ revision, status }) => `${revision} ${status}`,
    );

  test("helm install starts two ready replicas of each program; helm test passes", async (context) => {
    assert.deepEqual(await revisions(), ["1 deployed"]);
    context.diagnostic(await helm.ok(["test", "podrole", "--timeout=5m"]));
  });

  test("a Deployment assumes its role", async () => {
    await shop.apply(deploymentManifest("orders", { role: "shop-orders" }));
    await rolledOut(shop.name, "deployment/orders");
    await shop.logs("deployment/orders", assumedRolePattern("shop-orders", shop.name));
  });

  test("a Job completes", async () => {
    await shop.apply(jobManifest("report", { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await shop.ok(["wait", "job/report", "--for=condition=Complete", "--timeout=120s"]);
    await shop.logs("job/report", assumedRolePattern("shop-orders", shop.name));
  });

  test("ROLE_FORBIDDEN: kubectl apply of a pod whose role is not permitted is denied", async (context) => {
    const { code, err } = await shop.run(["apply", "-f", "-"], podManifest("intruder", { role: "payroll-admin" }));
    context.diagnostic(err.trim());
    assert.equal(code, 1);
    assert.match(err, /denied the request: ROLE_FORBIDDEN: .*payroll-admin/);
  });

  test("20 client pods get credentials", () => clients.start());

  test("helm upgrade under load: both programs roll, no request fails, the CA stays", async (context) => {
    const before = await trust();
    const generation = ["-n", "podrole", "get", "deployments", "-o", "jsonpath={.items[*].metadata.generation}"];
    const generations = await kubectl.ok(generation);
    await clients.during(context, "upgraded", async () => {
      await helm.upgrade(["--set", "settings.level=debug"]);
    });
    assert.notEqual(await kubectl.ok(generation), generations);
    assert.deepEqual(await revisions(), ["1 superseded", "2 deployed"]);
    assert.deepEqual(await trust(), before);
    const level = ["-n", "podrole", "get", "configmap", "podrole-common", "-o", "jsonpath={.data.PODROLE_LEVEL}"];
    assert.equal(await kubectl.ok(level), "debug");
  });

  test("helm rollback under load: the first settings are restored, no request fails, the CA stays", async (context) => {
    const before = await trust();
    await clients.during(context, "rolled-back", async () => {
      await helm.ok(["rollback", "podrole", "1", "--wait", "--timeout=5m"]);
    });
    assert.deepEqual(await revisions(), ["1 superseded", "2 superseded", "3 deployed"]);
    assert.deepEqual(await trust(), before);
    const level = ["-n", "podrole", "get", "configmap", "podrole-common", "-o", "jsonpath={.data.PODROLE_LEVEL}"];
    assert.equal(await kubectl.ok(level), "info");
  });

  test("helm uninstall leaves no object of podrole; running pods keep their credentials", async (context) => {
    const before = await clients.answered();
    context.diagnostic((await helm.ok(["uninstall", "podrole", "--wait", "--timeout=5m"])).trim());
    await untilSuccess("the deletion of every object of podrole", async () => {
      // Helm treats the namespace as the user's and does not delete it.
      const left = (await objectsNamed(/podrole/)).filter((line) => line !== "namespace/podrole");
      return left.length === 0 ? left : new Not(left.join(" "));
    });
    await untilSuccess("500 more successful requests", async () => {
      const now = await clients.answered();
      return now > before + 500 ? now : new Not(`${now - before} answers since`);
    });
    // Without the webhook and the policy, the namespace's label alone blocks no pod.
    await shop.apply(podManifest("plain", { role: "shop-orders", containers: [appContainer("app", "start")] }));
    await shop.ok(["wait", "pod/plain", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"]);
    assert.equal(await shop.ok(["get", "pod", "plain", "-o", "jsonpath={.spec.initContainers}"]), "");
  });
});
