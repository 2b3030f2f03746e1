// Jobs with the real Job controller, which counts restarts and reads the exit codes of all containers: neither waiting
// for credentials nor podrole's containers decide about a Job. waiting-jobs.test.ts waits for longer than the hook.
import assert from "node:assert/strict";
import { after, afterEach, suite, test } from "node:test";
import { appContainer, jobManifest } from "./pods.ts";
import { assumedRolePattern, Not, printDiagnosis, sts, untilSuccess, useNamespace } from "./suite.ts";

const LATE_ROLE = "shop-busy";
/** Fails the Job for every exit code but 0 of any container, podrole's included. */
const EVERY_CODE_FAILS = { rules: [{ action: "FailJob", onExitCodes: { operator: "NotIn", values: [0] } }] };

suite("jobs", { timeout: 600_000 }, () => {
  const shop = useNamespace("jobs");
  afterEach((context) => printDiagnosis(context, shop.name));
  after(() => sts.clear());

  test("a Job with restartPolicy OnFailure and backoffLimit 0 waits for credentials without a restart, and completes", async () => {
    await sts.set({ kind: "error", status: 503 }, { roleArn: `arn:aws:iam::123456789012:role/${LATE_ROLE}` });
    const containers = [appContainer("app", "once")];
    await shop.apply(jobManifest("late", { role: LATE_ROLE, containers, spec: { restartPolicy: "OnFailure" } }));
    await untilSuccess("an Event of the waiting pod", async () => {
      const name = await shop.ok(["get", "pods", "-l", "job-name=late", "-o", "jsonpath={.items[*].metadata.name}"]);
      const events = name === "" ? "" : await shop.events(name);
      return events.includes("STS_UNAVAILABLE") ? events : new Not(events);
    });
    await sts.clear();
    await shop.ok(["wait", "job/late", "--for=condition=Complete", "--timeout=180s"]);
    await shop.logs("job/late", assumedRolePattern(LATE_ROLE, shop.name));
    const restarts = "jsonpath={.items[*].status.initContainerStatuses[*].restartCount}";
    assert.equal(await shop.ok(["get", "pods", "-l", "job-name=late", "-o", restarts]), "0");
  });

  test("an app's exit code fails its Job by the podFailurePolicy, which names the app's container", async () => {
    const failing = appContainer("app", "once", { args: ["--eval", "process.exit(7)"] });
    const shape = { role: "shop-orders", containers: [failing] };
    await shop.apply(jobManifest("failing", shape, { backoffLimit: 3, podFailurePolicy: EVERY_CODE_FAILS }));
    await shop.ok(["wait", "job/failing", "--for=condition=Failed", "--timeout=120s"]);
    const condition = 'jsonpath={.status.conditions[?(@.type=="Failed")]}';
    const { reason, message } = JSON.parse(await shop.ok(["get", "job", "failing", "-o", condition])) as Record<
      "reason" | "message",
      string
    >;
    assert.equal(reason, "PodFailurePolicy");
    assert.match(message, /^Container app for pod jobs\/failing-\w+ failed with exit code 7 matching FailJob rule/);
  });
});
