// podrole migrate against an API server: the report is the same as from an export.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { migrateAction } from "../../../src/cli/commands/migrate.ts";
import type { Flags } from "../../../src/cli/terminal.ts";
import { clusterExport, EXPORT_BASE_ARN, KIAM } from "../../operations/migrate/cluster-export.ts";
import { createTerminal } from "../terminal.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

const RESOURCES: Readonly<Record<string, string>> = {
  Namespace: "namespaces",
  ServiceAccount: "serviceaccounts",
  Deployment: "deployments",
  StatefulSet: "statefulsets",
  DaemonSet: "daemonsets",
  CronJob: "cronjobs",
  Pod: "pods",
};

/** Runs the command as a user who may list these resources, or everything. */
async function cluster(context: TestContext, mayList?: readonly string[]) {
  const { kubernetes: emulator, runAction } = await startOperatorCluster(context);
  const username = mayList === undefined ? undefined : "jane";
  const version = { nonResourceURLs: ["/version"], verbs: ["get"] };
  if (mayList) {
    const rules = [{ apiGroups: ["*"], resources: mayList, verbs: ["list"] }, version];
    emulator.restrict("jane", rules);
  }
  for (const { kind, ...object } of clusterExport(KIAM).items) {
    const [plural, name] = [RESOURCES[kind] ?? kind, object.metadata.name ?? ""];
    // The API server creates the namespaces of Kubernetes itself.
    const isThere = kind === "Namespace" && emulator.store.find(plural, undefined, name) !== undefined;
    emulator.store[isThere ? "replace" : "create"](plural, structuredClone(object));
  }
  return (flags?: Flags) => runAction(migrateAction, ["kiam"], flags, { username });
}

suite("migrateAction() of a cluster", () => {
  test("prints the report of an export, and what it reads", async (context) => {
    const run = await cluster(context);
    const { exitCode, out, err } = await run();
    assert.equal(exitCode, 1, err);
    const exported = createTerminal({ stdin: JSON.stringify(clusterExport(KIAM)) });
    await migrateAction(exported, { filename: "-" }, ["kiam"]);
    assert.equal(out, exported.said.out());
    assert.match(err, /^podrole migrate kiam: read 203 pods$/m);
  });

  test("reads one namespace only with -n", async (context) => {
    const run = await cluster(context);
    const { exitCode, out } = await run({ namespace: "shop", roleBaseArn: EXPORT_BASE_ARN });
    assert.equal(exitCode, 0);
    assert.match(out, /^kiam to podrole: 27 pods in 1 namespace\n {2}27 unchanged \(of these, 6 without a role\)/);
  });

  test("works with pods and namespaces only, and reports what is missing", async (context) => {
    const run = await cluster(context, ["namespaces", "pods"]);
    const { exitCode, out } = await run();
    assert.equal(exitCode, 1);
    // Missing: the pods of the CronJob, which has none between two runs, and the role that only a ServiceAccount names.
    assert.match(out, /^kiam to podrole: 199 pods in 12 namespaces/);
    assert.match(out, /^ {2}serviceaccounts may not be listed/m);
    assert.match(out, /^ {2}cronjobs may not be listed/m);
  });

  test("returns 2 if pods may not be listed", async (context) => {
    const run = await cluster(context, ["namespaces"]);
    const { exitCode, out, err } = await run();
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(err, /^podrole migrate kiam: Cannot list pods/m);
  });

  test("returns 2 if the kubeconfig does not exist", async (context) => {
    const run = await cluster(context);
    const { exitCode, err } = await run({ kubeconfig: "/nowhere" });
    assert.equal(exitCode, 2);
    assert.match(err, /kubeconfig \/nowhere cannot be read/);
  });
});
