// Jobs whose pods wait for their first credentials for longer than the hook of podrole-sidecar, or end meanwhile, with
// the real Job controller: no restart and no end while waiting counts as a failure of the app.
import assert from "node:assert/strict";
import { after, afterEach, suite, test } from "node:test";
import { appContainer, jobManifest, type PodShape } from "./pods.ts";
import { assumedRolePattern, Not, printDiagnosis, sts, untilSuccess, useNamespace } from "./suite.ts";

const ROLE = "shop-busy";
/**
 * Fails the Job for every exit code but 0 of any container, podrole's included, and counts no evicted pod, so that a
 * Job with backoffLimit 0 survives an eviction (https://kubernetes.io/docs/tasks/job/pod-failure-policy/).
 */
const EVICTIONS_DO_NOT_COUNT = {
  rules: [
    { action: "FailJob", onExitCodes: { operator: "NotIn", values: [0] } },
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] },
  ],
};

suite("waiting jobs", { timeout: 900_000 }, () => {
  const shop = useNamespace("waiting-jobs");
  afterEach((context) => printDiagnosis(context, shop.name));
  after(() => sts.clear());

  const start = (name: string, spec: PodShape["spec"] = {}, more: object = {}) =>
    shop.apply(jobManifest(name, { role: ROLE, containers: [appContainer("app", "once")], spec }, more));
  const podsOf = async (job: string, path: string) =>
    (await shop.ok(["get", "pods", "-l", `job-name=${job}`, "-o", `jsonpath={.items[*]${path}}`])).trim();
  const restartsOf = async (job: string) =>
    Number(await podsOf(job, ".status.initContainerStatuses[?(@.name=='podrole-sidecar')].restartCount"));

  test("Jobs with backoffLimit 0 wait, one of them through an eviction, and complete when STS answers", async () => {
    await sts.set({ kind: "error", status: 503 }, { roleArn: `arn:aws:iam::123456789012:role/${ROLE}` });
    await start("on-failure", { restartPolicy: "OnFailure" });
    await start("never");
    await start("evicted", {}, { podFailurePolicy: EVICTIONS_DO_NOT_COUNT });

    const first = await untilSuccess("an Event of the waiting pod", async () => {
      const name = await podsOf("evicted", ".metadata.name");
      const events = name === "" ? "" : await shop.events(name);
      return events.includes("STS_UNAVAILABLE") ? name : new Not(events);
    });
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: first, namespace: shop.name } };
    const path = `/api/v1/namespaces/${shop.name}/pods/${first}/eviction`;
    await shop.ok(["create", "--raw", path, "-f", "-"], JSON.stringify(eviction));
    await untilSuccess("a pod in place of the evicted one", async () => {
      const names = await podsOf("evicted", ".metadata.name");
      return names !== "" && !names.includes(first) ? names : new Not(names);
    });
    await untilSuccess("a restart after the hook", async () => {
      const restarts = await restartsOf("never");
      return restarts > 0 ? restarts : new Not(String(restarts));
    });
    assert.equal(await restartsOf("on-failure"), 0, "its pod has waited as long");

    await sts.clear();
    for (const job of ["on-failure", "never", "evicted"]) {
      await shop.ok(["wait", `job/${job}`, "--for=condition=Complete", "--timeout=400s"]);
      await shop.logs(`job/${job}`, assumedRolePattern(ROLE, shop.name));
      const failed = await shop.ok(["get", "job", job, "-o", "jsonpath={.status.failed}"]);
      assert.equal(failed, "", `${job} counts no failed pod`);
    }
  });
});
