// What podrole-sidecar adds to the pods of a workload that a quota refuses.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readSidecarShare } from "../../src/operations/sidecar-share.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";

const SIZES = { ...PLAN_SETTINGS.resources, memoryLimit: "96Mi", memoryRequest: "64Mi", cpuRequest: "10m" };
const templateWith = (memory?: string) => ({
  metadata: { annotations: { "iam.amazonaws.com/role": "orders" } },
  spec: { containers: [{ name: "app", image: "app:1", ...(memory && { resources: { limits: { memory } } }) }] },
});

function share(
  requested: Readonly<Record<string, string>>,
  {
    template = templateWith("128Mi"),
    listAll = async () => [],
    sizes = SIZES,
  }: {
    readonly template?: unknown;
    readonly listAll?: () => Promise<unknown>;
    readonly sizes?: typeof SIZES | undefined;
  } = {},
) {
  const quota = { requested: new Map(Object.entries(requested)) };
  const pod = { namespace: "shop", annotations: {}, template, quota };
  return readSidecarShare({ listAll: listAll as never }, pod, sizes);
}

suite("readSidecarShare()", () => {
  test("returns what the quota counts of podrole-sidecar", async () => {
    assert.deepEqual((await share({ "limits.memory": "224Mi" }))?.limits, { memory: "96Mi" });
    assert.deepEqual((await share({ "requests.memory": "192Mi" }))?.requests, { memory: "64Mi" });
    assert.deepEqual((await share({ memory: "192Mi" }))?.requests, { memory: "64Mi" });
  });

  test("leaves out what the pod does not request beside its own containers: it is not injected", async () => {
    assert.deepEqual(await share({ "limits.memory": "128Mi" }), { requests: {}, limits: {} });
    assert.deepEqual(await share({ pods: "1" }), { requests: {}, limits: {} });
  });

  test("counts what a LimitRange gives the pod's own containers", async () => {
    const limits = [{ type: "Container", default: { memory: "128Mi" } }];
    const range = { metadata: { name: "defaults" }, spec: { limits } };
    const listAll = async (...args: unknown[]) => (args[0] === "limitranges" ? [range] : []);
    const template = templateWith();
    assert.deepEqual((await share({ "limits.memory": "224Mi" }, { template, listAll }))?.limits, { memory: "96Mi" });
    assert.deepEqual((await share({ "limits.memory": "128Mi" }, { template, listAll }))?.limits, {});
  });

  test("assumes nothing where limits may not be read, for a template that is none, and without settings", async () => {
    const forbidden = () => Promise.reject(new Error("forbidden"));
    assert.equal(await share({ "limits.memory": "224Mi" }, { listAll: forbidden }), undefined);
    assert.equal(await share({ "limits.memory": "224Mi" }, { template: { spec: 7 } }), undefined);
    const quota = { requested: new Map([["limits.memory", "224Mi"]]) };
    const pod = { namespace: "shop", annotations: {}, template: templateWith(), quota };
    assert.equal(await readSidecarShare({ listAll: async () => [] }, pod, undefined), undefined);
  });
});
