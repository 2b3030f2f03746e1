// What users see when podrole denies a role: the error of kubectl, the ReplicaSet's events, or, if only AWS can deny
// it, `kubectl describe pod`.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, suite, test } from "node:test";
import { readText } from "../../files.ts";
import { blocksOf } from "../../install-page.ts";
import { appContainer, deploymentManifest, podManifest } from "./pods.ts";
import { openOperatorShell } from "./situation-steps.ts";
import { assumedRolePattern, Not, printDiagnosis, sts, untilSuccess, useNamespace } from "./suite.ts";

/** Longer than the kubelet's waits after the first two failed starts. */
const WATCHED_SECONDS = 90;

suite("refusals", { timeout: 600_000 }, () => {
  const shop = useNamespace("refusals");
  afterEach((context) => printDiagnosis(context, shop.name));

  const refused = [
    { code: "ROLE_FORBIDDEN", shape: { role: "payroll-admin" }, message: /namespace "refusals" permits/ },
    { code: "ROLE_INVALID", shape: { role: "arn:aws:iam::123:role/x" }, message: /arn:aws:iam::123:role\/x/ },
    {
      code: "CONTAINER_UNKNOWN",
      shape: { annotations: { "iam.amazonaws.com/role.nobody": "shop-orders" } },
      message: /nobody/,
    },
    {
      code: "ANNOTATION_INVALID",
      shape: { role: "shop-orders", annotations: { "podrole.io/mode": "modern" } },
      message: /it is "modern"; expected "native" or "classic"/,
    },
  ];
  for (const { code, shape, message } of refused) {
    test(`${code}: kubectl apply shows the reason`, async (context) => {
      const result = await shop.run(["apply", "-f", "-"], podManifest(code.toLowerCase().replaceAll("_", "-"), shape));
      context.diagnostic(result.err.trim());
      assert.equal(result.code, 1);
      assert.match(result.err, new RegExp(`denied the request: ${code}: `));
      assert.match(result.err, message);
    });
  }

  test("ROLE_FORBIDDEN: kubectl describe of the Deployment's ReplicaSet shows the event with the reason", async (context) => {
    await shop.apply(deploymentManifest("intruder", { role: "payroll-admin" }));
    const description = await untilSuccess("FailedCreate", async () => {
      const text = await shop.ok(["describe", "replicaset", "-l", "app=intruder"]);
      return text.includes("FailedCreate") ? text : new Not(text);
    });
    context.diagnostic(description.slice(description.indexOf("Events:")));
    assert.match(description, /FailedCreate.*ROLE_FORBIDDEN: Cannot give role .*payroll-admin/);
    await shop.ok(["delete", "deployment", "intruder"]);
  });

  test("STS_DENIED: kubectl describe pod shows the error from STS, its remedy, and an Event", async (context) => {
    await shop.apply(podManifest("untrusted", { role: "shop-untrusted", containers: [appContainer("app", "once")] }));
    const description = await untilSuccess("STS_DENIED in kubectl describe", async () => {
      const text = await shop.ok(["describe", "pod", "untrusted"]);
      const isReported = /Message:\s+STS_DENIED: /.test(text) && /Warning\s+STS_DENIED/.test(text);
      return isReported ? text : new Not(text);
    });
    context.diagnostic(description.slice(description.indexOf("Events:")));
    assert.match(description, /is not authorized to perform: sts:AssumeRole/);
    assert.match(description, /trust policy/);
    const waiting = ["get", "pod", "untrusted", "-o", "jsonpath={.status.phase}"];
    assert.equal(await shop.ok(waiting), "Pending", "the app must not have started");
    await shop.ok(["delete", "pod", "untrusted"]);
  });

  test("STS_DENIED: the waiting pod starts once the role trusts the server", async () => {
    await sts.set({ kind: "deny" }, { roleArn: "arn:aws:iam::123456789012:role/shop-busy" });
    await shop.apply(podManifest("patient", { role: "shop-busy", containers: [appContainer("app", "once")] }));
    await untilSuccess("STS_DENIED", async () => {
      const events = await shop.events("patient");
      return events.includes("STS_DENIED") ? events : new Not(events);
    });
    await sts.clear();
    await shop.logs("patient", assumedRolePattern("shop-busy", shop.name));
  });

  test("STS_DENIED: the commands of docs/troubleshoot.md show why the pod waits, and that it has started", async (context) => {
    const blocks = blocksOf(readText("docs/troubleshoot.md"));
    const commandsOf = (mark: string) => blocks.find((block) => block.mark === mark)?.commands ?? "exit 1";
    const look = commandsOf("run: look").replace("NS=shop POD=orders-7d4b9c", `NS=${shop.name} POD=waiting`);
    const shell = openOperatorShell();
    context.after(() => shell.close());
    await sts.set({ kind: "deny" }, { roleArn: "arn:aws:iam::123456789012:role/shop-busy" });
    await shop.apply(podManifest("waiting", { role: "shop-busy" }));
    const shown = await untilSuccess("STS_DENIED in the last command's Events", async () => {
      const { code, out } = await shell.run(look);
      assert.equal(code, 0, out);
      return /Warning +STS_DENIED/.test(out) ? out : new Not(out);
    });
    context.diagnostic(shown);
    assert.match(
      shown,
      /^true +shop-busy +\{"app":"arn:aws:iam::123456789012:role\/shop-busy"\} +<none> +<none> +<none>$/m,
    );
    assert.match(shown, /"podrole\.io\/inject":"enabled"/);
    assert.match(shown, /"iam\.amazonaws\.com\/permitted":/);
    const [watch, file] = [commandsOf("run: watch").trim(), join(shell.folder, "watched.txt")];
    writeFileSync(file, "");
    const watched = shell.run(
      `export NS=${shop.name} POD=waiting; timeout ${WATCHED_SECONDS} ${watch} | tee watched.txt`,
    );
    await untilSuccess("the waiting pod in the watch", async () => {
      const soFar = readFileSync(file, "utf8");
      return /^waiting +0\/2 +Init:/m.test(soFar) ? soFar : new Not(soFar);
    });
    await sts.clear();
    await shop.logs("waiting", assumedRolePattern("shop-busy", shop.name));
    const { out } = await watched;
    context.diagnostic(out);
    assert.match(out, /^waiting +0\/2 +Init:/m);
    assert.match(out, /^waiting +2\/2 +Running +\d.*\n$/m);
  });
});
