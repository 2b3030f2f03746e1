// PriorityClass podrole on a real API server: usable in podrole's namespace, refused in every other.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { stringify } from "yaml";
import { until } from "../../../emulators/until.ts";
import { createKubectl } from "../kubectl.ts";
import { renderKustomization } from "./tools.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const REFUSED = /PriorityClass podrole is for the pods of podrole's own namespace/;
const OTHER = `priority-${process.pid}`;

const objects = renderKustomization("base").filter(
  ({ kind, metadata: { name } }) => kind === "PriorityClass" || name === "podrole-priority-class",
);
const yaml = objects.map((object) => stringify(object)).join("---\n");

/** Creates a pod as a server-side dry run; returns "created" or the API server's error. */
async function dryRun(namespace: string, priorityClassName?: string): Promise<string> {
  const metadata = { name: "candidate", namespace };
  const spec = { containers: [{ name: "app", image: "app" }], ...(priorityClassName && { priorityClassName }) };
  const pod = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec });
  const { code, err } = await kubectl.run(["create", "--dry-run=server", "-f", "-"], pod);
  return code === 0 ? "created" : err;
}

suite("PriorityClass podrole", { timeout: 120_000 }, () => {
  before(async () => {
    assert.equal(objects.length, 3);
    for (const name of ["podrole", OTHER]) {
      await kubectl.ok(["create", "namespace", name]);
      const account = ["-n", name, "get", "serviceaccount", "default"];
      await until(async () => (await kubectl.run(account)).code === 0, "the default ServiceAccount exists");
    }
    await kubectl.ok(["apply", "-f", "-"], yaml);
    await until(async () => REFUSED.test(await dryRun(OTHER, "podrole")), "the policy is in force");
  });
  after(async () => {
    await kubectl.run(["delete", "--ignore-not-found", "-f", "-"], yaml);
    await kubectl.run(["delete", "namespace", "podrole", OTHER, "--wait"]);
  });

  test("is refused in another namespace", async () => assert.match(await dryRun(OTHER, "podrole"), REFUSED));
  test("is refused in kube-system too", async () => assert.match(await dryRun("kube-system", "podrole"), REFUSED));
  test("is admitted in podrole's namespace", async () => assert.equal(await dryRun("podrole", "podrole"), "created"));
  test("does not concern a pod of another namespace without it", async () => {
    assert.equal(await dryRun(OTHER), "created");
  });

  test("passes the API server's type check", async () => {
    const { status } = await kubectl.json<{ status: { typeChecking?: { expressionWarnings?: unknown } } }>([
      ...["get", "validatingadmissionpolicy", "podrole-priority-class"],
    ]);
    assert.equal(status.typeChecking?.expressionWarnings, undefined);
  });
});
