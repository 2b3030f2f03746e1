// Role annotations are protected from a node and from a scheduler, on a real API server: a kubelet's identity writes
// pods/status of its own pod, a scheduler's identity binds a pod to a node.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { until } from "../../emulators/until.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { readText } from "../files.ts";
import { createKubectl } from "./kubectl.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const NAMESPACE = `status-${process.pid}`;
const NODE = `status-node-${process.pid}`;
const POLICY = readText("manifests/base/pod-status-policy.yaml");
const KUBELET = ["--as", `system:node:${NODE}`, "--as-group", "system:nodes", "--as-group", "system:authenticated"];
const SCHEDULER = ["--as", "system:kube-scheduler", "--as-group", "system:authenticated"];
const REFUSED = /cannot be changed through pods\/status or pods\/binding; change them on the pod itself/;
/** The namespace does not need podrole's label, because the policy has no namespace selector. */
const OBJECTS = `apiVersion: v1
kind: Namespace
metadata: { name: ${NAMESPACE} }
---
apiVersion: v1
kind: Node
metadata: { name: ${NODE} }
`;
const POD = `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: ${NAMESPACE}
  annotations: { iam.amazonaws.com/role: orders, podrole.io/mode: native, example.com/note: one }
spec:
  nodeName: ${NODE}
  automountServiceAccountToken: false
  containers: [{ name: app, image: app }]
`;

const readPod = (name = "web") => kubectl.json<Pod>(["-n", NAMESPACE, "get", "pod", name]);

/** Without kubectl's own copy of what it applied. */
async function readAnnotations(name?: string): Promise<Record<string, string>> {
  const { "kubectl.kubernetes.io/last-applied-configuration": _copy, ...annotations } =
    (await readPod(name)).metadata.annotations ?? {};
  return annotations;
}

/**
 * Writes pods/status with changed annotations (null removes one); returns "written" or the API server's error. A
 * kubelet may not read pods/status, which `kubectl patch` does first.
 */
async function writeStatus(annotations: Record<string, string | null>, status: object = {}, as = KUBELET) {
  const pod = await readPod();
  const changed = Object.entries({ ...pod.metadata.annotations, ...annotations }).filter(([, value]) => value !== null);
  const next = {
    ...pod,
    metadata: { ...pod.metadata, annotations: Object.fromEntries(changed) },
    status: { ...pod.status, ...status },
  };
  const args = ["replace", "--raw", `/api/v1/namespaces/${NAMESPACE}/pods/web/status`, "-f", "-", ...as];
  const { code, err } = await kubectl.run(args, JSON.stringify(next));
  return code === 0 ? "written" : err;
}

const PENDING_POD = (name: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${NAMESPACE}, annotations: { iam.amazonaws.com/role: orders } }
spec: { schedulerName: none, automountServiceAccountToken: false, containers: [{ name: app, image: app }] }
`;

/** Binds a new pod with annotations as a scheduler does; returns the API server's error, "" if there is none. */
async function bind(name: string, annotations: Record<string, string>, path = `pods/${name}/binding`) {
  await kubectl.ok(["apply", "-f", "-"], PENDING_POD(name));
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name, namespace: NAMESPACE, annotations },
    target: { apiVersion: "v1", kind: "Node", name: NODE },
  };
  const args = ["create", "--raw", `/api/v1/namespaces/${NAMESPACE}/${path}`, "-f", "-", ...SCHEDULER];
  const { code, err } = await kubectl.run(args, JSON.stringify(binding));
  return code === 0 ? "" : err;
}

suite("ValidatingAdmissionPolicy podrole-pod-status", { timeout: 120_000 }, () => {
  before(async () => {
    await kubectl.ok(["apply", "-f", "-"], OBJECTS);
    const account = ["-n", NAMESPACE, "get", "serviceaccount", "default"];
    await until(async () => (await kubectl.run(account)).code === 0, "the default ServiceAccount");
    await kubectl.ok(["apply", "-f", "-"], POD);
    // Without the policy the API server copies the annotation: this is what the policy prevents.
    assert.equal(await bind("unguarded", { "iam.amazonaws.com/role": "payroll" }), "");
    assert.equal((await readAnnotations("unguarded"))["iam.amazonaws.com/role"], "payroll");
    await kubectl.ok(["apply", "-f", "-"], POLICY);
    // A new value each time, because a value that was written before the policy was in force is no change afterwards.
    let value = 0;
    const isRefused = async () => REFUSED.test(await writeStatus({ "podrole.io/probe": String(++value) }));
    await until(isRefused, "the policy in force");
  });
  after(async () => {
    await kubectl.run(["delete", "--ignore-not-found", "-f", "-"], POLICY);
    await kubectl.run(["-n", NAMESPACE, "delete", "pod", "--all", "--force", "--grace-period=0"]);
    await kubectl.run(["delete", "--wait=false", "--ignore-not-found", "-f", "-"], OBJECTS);
  });

  for (const [what, annotations] of [
    ["changes a role", { "iam.amazonaws.com/role": "payroll" }],
    ["adds a container's role", { "iam.amazonaws.com/role.app": "payroll" }],
    ["removes a role", { "iam.amazonaws.com/role": null }],
    ["changes an annotation of podrole's", { "podrole.io/mode": "classic" }],
    ["adds an annotation of podrole's", { "podrole.io/session-duration": "12h" }],
    ["removes an annotation of podrole's", { "podrole.io/mode": null }],
    ["changes a role beside another annotation", { "iam.amazonaws.com/role": "payroll", "example.com/note": "two" }],
  ] as const) {
    test(`refuses a kubelet that ${what}`, async () => {
      const earlier = await readAnnotations();
      assert.match(await writeStatus(annotations), REFUSED);
      assert.deepEqual(await readAnnotations(), earlier);
    });
  }

  test("refuses an administrator there too", async () => {
    assert.match(await writeStatus({ "iam.amazonaws.com/role": "payroll" }, {}, []), REFUSED);
  });

  test("admits a kubelet's ordinary status update, and one that sends the same annotations", async () => {
    assert.equal(await writeStatus({}, { phase: "Running" }), "written");
    assert.equal(await writeStatus({ "iam.amazonaws.com/role": "orders" }, { phase: "Running" }), "written");
  });

  test("admits other annotations", async () => {
    assert.equal(await writeStatus({ "example.com/note": "three" }), "written");
    assert.equal((await readAnnotations())["example.com/note"], "three");
  });

  test("admits a role that is changed on the pod itself", async () => {
    const args = ["-n", NAMESPACE, "annotate", "--overwrite", "pod", "web", "iam.amazonaws.com/role=invoices"];
    await kubectl.ok(args);
    assert.equal((await readAnnotations())["iam.amazonaws.com/role"], "invoices");
  });

  for (const [what, path] of [
    ["pods/binding", undefined],
    ["bindings", "bindings"],
  ] as const) {
    test(`refuses a scheduler that sets a role or an annotation of podrole's through ${what}`, async () => {
      const name = what.replace("/", "-");
      const role = { "iam.amazonaws.com/role": "payroll", "example.com/note": "one" };
      assert.match(await bind(`${name}-role`, role, path), REFUSED);
      assert.match(await bind(`${name}-own`, { "podrole.io/session-name": "other" }, path), REFUSED);
    });
  }

  test("admits a scheduler's ordinary binding, and one with other annotations", async () => {
    assert.equal(await bind("ordinary", {}), "");
    assert.deepEqual(await readAnnotations("ordinary"), { "iam.amazonaws.com/role": "orders" });
    assert.equal(await bind("noted", { "example.com/note": "one" }), "");
    assert.equal((await readAnnotations("noted"))["example.com/note"], "one");
  });

  test("passes the API server's type check", async () => {
    const { status } = await kubectl.json<{ status?: { typeChecking?: { expressionWarnings?: unknown } } }>([
      ...["get", "validatingadmissionpolicy", "podrole-pod-status"],
    ]);
    assert.equal(status?.typeChecking?.expressionWarnings, undefined);
  });
});
