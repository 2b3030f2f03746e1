// podrole check and explain against podrole on a real node: a healthy installation passes every check, a single defect
// is reported, and the pod that tries the node's instance metadata reports the truth and is deleted.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NODE_SCRIPT } from "../kubernetes/node.ts";
import { deploymentManifest } from "./pods.ts";
import { runCheck, runPodrole, startPodrole } from "./run-podrole.ts";
import {
  kubectl,
  NODE_DIRECTORY,
  Not,
  printDiagnosis,
  rolledOut,
  scaleDeployment,
  untilSuccess,
  useNamespace,
} from "./suite.ts";

const METADATA = "169.254.169.254";

suite("an operator of a real node", { timeout: 600_000 }, () => {
  const shop = useNamespace("operator");
  const NAMESPACE = shop.name;
  const probes = async () =>
    (await shop.ok(["get", "pods", "-l", "app.kubernetes.io/name=podrole-check", "-o", "name"])).trim();
  afterEach((context) => printDiagnosis(context, shop.name));

  test("check --wait exits with 0 when the installation becomes healthy", async () => {
    await scaleDeployment("podrole-server", 0);
    // The check begins while there is no server, however fast one starts.
    const scaleUp = async () => {
      await sleep(10_000);
      await kubectl.ok(["-n", "podrole", "scale", "deployment/podrole-server", "--replicas=2"]);
    };
    const [{ code, out, err }] = await Promise.all([runPodrole(["check", "--wait", "2m"]), scaleUp()]);
    assert.equal(code, 0, out);
    assert.match(err, /waiting for .*SERVER_READY/);
  });

  test("check passes every check once pods use podrole, and warns that STS is emulated", async (context) => {
    await shop.apply(deploymentManifest("orders", { role: "shop-orders" }));
    await rolledOut(shop.name, "deployment/orders");
    const { code, findings } = await runCheck();
    assert.equal(code, 0);
    assert.deepEqual(
      findings.filter(({ state }) => state !== "ok").map(({ id, state }) => [id, state]),
      [
        ["STS_ENDPOINT", "warning"],
        ["INSTANCE_METADATA", "skipped"],
      ],
      JSON.stringify(findings.filter(({ state }) => state !== "ok")),
    );
    context.diagnostic((await runPodrole(["check"])).out);
  });

  test("explain shows an injected pod's role, session and sidecar", async (context) => {
    const name = (await shop.ok(["get", "pods", "-l", "app=orders", "-o", "name"])).trim();
    const { code, out, err } = await runPodrole(["explain", name, "-n", NAMESPACE]);
    context.diagnostic(out);
    assert.equal(code, 0, err);
    assert.match(out, /injected \(created 2\d{3}-.*\), sidecar image localhost\/podrole-sidecar:0\.1\.0$/m);
  });

  test("check reports a server that is scaled to 0", async () => {
    await scaleDeployment("podrole-server", 0);
    const { code, of } = await runCheck();
    await scaleDeployment("podrole-server", 2);
    assert.deepEqual([code, of("SERVER_READY").state], [1, "failed"]);
    assert.equal((await runCheck("--wait", "1m")).code, 0);
  });

  test("check --imds: without instance metadata, the pod under PodSecurity restricted reaches none and is deleted", async (context) => {
    const { of } = await runCheck("--imds", NAMESPACE);
    context.diagnostic(of("INSTANCE_METADATA").message);
    assert.equal(of("INSTANCE_METADATA").state, "ok", of("INSTANCE_METADATA").message);
    assert.equal(await probes(), "");
  });

  test("check --imds: a reachable metadata service is reported", async (context) => {
    const serve = `require("http").createServer((_, reply) => reply.end("token")).listen(80, "${METADATA}")`;
    const onNode = ["exec", NODE_DIRECTORY, "sh", "-c"];
    spawnSync(NODE_SCRIPT, [...onNode, `ip address add ${METADATA}/32 dev lo`]);
    const service = spawn(NODE_SCRIPT, [...onNode, `exec "${process.execPath}" -e '${serve}'`], { stdio: "ignore" });
    try {
      const { code, of } = await runCheck("--imds", NAMESPACE);
      context.diagnostic(of("INSTANCE_METADATA").message);
      assert.deepEqual([code, of("INSTANCE_METADATA").state], [1, "failed"], of("INSTANCE_METADATA").message);
    } finally {
      service.kill();
      spawnSync(NODE_SCRIPT, [...onNode, `ip address del ${METADATA}/32 dev lo`]);
    }
  });

  test("check --imds: leaves no pod behind when interrupted", async () => {
    const child = startPodrole(["check", "--imds", NAMESPACE]);
    const ended = once(child, "close");
    await untilSuccess("the pod of check --imds", async () => (await probes()) || new Not("none"));
    child.kill("SIGINT");
    await ended;
    assert.equal(await probes(), "");
  });
});
