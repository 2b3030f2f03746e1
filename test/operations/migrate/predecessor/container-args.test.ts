import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { contradictingPlaces, findCommandLine } from "../../../../src/operations/migrate/predecessor/container-args.ts";
import { clusterExport, EXPORT_BASE_ARN, KIAM } from "../cluster-export.ts";

suite("findCommandLine()", () => {
  const { items } = clusterExport(KIAM);
  test("distinguishes server and agent, and names the place", () => {
    assert.equal(findCommandLine(items, "kiam server")?.place, "DaemonSet kube-system/kiam-server");
    assert.equal(findCommandLine(items, "kiam agent")?.flags.get("host-interface"), "cali+");
    assert.equal(findCommandLine(items, "kube2iam"), undefined);
  });
  test("recognises an image of a registry with a port", () => {
    const container = { name: "kiam", image: "registry:5000/uswitch/kiam:v4", args: ["server", "--role-base-arn=x"] };
    const pod = { kind: "Pod", metadata: { name: "kiam" }, spec: { containers: [container] } };
    assert.equal(findCommandLine([pod], "kiam server")?.flags.get("role-base-arn"), "x");
    assert.equal(findCommandLine([pod], "kube2iam"), undefined);
  });
  test("reads a pod if there is no workload", () => {
    const pods = items.filter(({ kind }) => kind === "Pod");
    assert.equal(findCommandLine(pods, "kiam server")?.flags.get("role-base-arn"), EXPORT_BASE_ARN);
  });
});

suite("contradictingPlaces()", () => {
  const { items } = clusterExport(KIAM);
  const tenants = (...args: string[]) => ({
    kind: "Deployment",
    metadata: { name: "cache", namespace: "tenant" },
    spec: { template: { spec: { containers: [{ name: "app", image: "registry.example/tenant/kiam:1", args }] } } },
  });

  test("names the workloads of two namespaces that run the program with different flags", () => {
    const places = contradictingPlaces([...items, tenants("server", "--role-base-arn=x")], "kiam server");
    assert.deepEqual(
      places.map(({ place }) => place),
      ["DaemonSet kube-system/kiam-server", "Deployment tenant/cache"],
    );
  });

  test("is empty for one installation, and for several with the same flags", () => {
    assert.deepEqual(contradictingPlaces(items, "kiam server"), []);
    const [same] = [tenants("server", "--role-base-arn=x")];
    assert.deepEqual(
      contradictingPlaces([same, { ...same, metadata: { name: "b", namespace: "b" } }], "kiam server"),
      [],
    );
    assert.deepEqual(contradictingPlaces([...items, tenants("agent")], "kiam server"), []);
  });
});
