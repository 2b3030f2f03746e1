// Pod certificates where Kubernetes does not serve them (before 1.37): podrole finds that out, says it, and gives pods
// a token. pod-certificates.test.ts is for clusters that serve them.
import assert from "node:assert/strict";
import { after, afterEach, suite, test } from "node:test";
import { deploymentManifest } from "./pods.ts";
import { runCheck } from "./run-podrole.ts";
import { assumedRolePattern, kubectl, Not, printDiagnosis, rolledOut, untilSuccess, useNamespace } from "./suite.ts";

const PROGRAMS = ["podrole-server", "podrole-webhook"];
const SERVED = await kubectl.run(["get", "podcertificaterequests", "--all-namespaces"]);

/** Sets --pod-certificates of both programs. */
async function setPodCertificates(value: "auto" | "on" | "off"): Promise<void> {
  for (const program of PROGRAMS) {
    await kubectl.ok(["-n", "podrole", "set", "env", `deployment/${program}`, `PODROLE_POD_CERTIFICATES=${value}`]);
    await rolledOut("podrole", `deployment/${program}`);
  }
}

if (SERVED.code !== 0)
  suite("pod certificates that the API server does not serve", { timeout: 600_000 }, () => {
    const shop = useNamespace("without-pod-certificates");
    after(() => setPodCertificates("off"));
    afterEach((context) => printDiagnosis(context, shop.name));

    test("with auto, the server publishes and logs that they are off, and a new pod gets its role by a token", async () => {
      await setPodCertificates("auto");
      const published = [
        "-n",
        "podrole",
        "get",
        "configmap",
        "podrole-trust",
        "-o",
        "jsonpath={.data.pod-certificates}",
      ];
      await untilSuccess("the published answer", async () => {
        const answer = await kubectl.ok(published);
        return answer === "off" ? answer : new Not(answer);
      });
      const logs = await kubectl.ok([
        "-n",
        "podrole",
        "logs",
        "-l",
        "app.kubernetes.io/name=podrole-server",
        "--tail=-1",
      ]);
      assert.match(logs, /"podCertificates":"off","reason":"the API server does not serve PodCertificateRequests"/);
      await shop.apply(deploymentManifest("orders", { role: "shop-orders" }));
      await rolledOut(shop.name, "deployment/orders");
      await shop.logs("deployment/orders", assumedRolePattern("shop-orders", shop.name));
      const volumes = await shop.ok(["get", "pods", "-o", "jsonpath={..volumes}"]);
      assert.match(volumes, /serviceAccountToken/);
      assert.doesNotMatch(volumes, /podCertificate/);
      const { state, message } = (await runCheck()).of("POD_CERTIFICATES");
      assert.equal(state, "warning", message);
      assert.match(message, /has kubelet v1\.\d+\.\d+, so new pods get a token/);
    });

    test("with on, check fails and names the version, before a pod waits for a certificate", async () => {
      await setPodCertificates("on");
      const { of } = await runCheck();
      const { state, message } = of("POD_CERTIFICATES");
      assert.equal(state, "failed", message);
      assert.match(message, /and Kubernetes is 1\.\d+; expected 1\.37 or later/);
    });
  });
