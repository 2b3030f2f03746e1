// CEL expressions of the manifests, evaluated by a real API server: which pods the ValidatingAdmissionPolicy denies,
// and which pods an outage of the webhook affects. No podrole program runs here, so every call to the webhook fails.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { until } from "../../../emulators/until.ts";
import { hasRoleAnnotation } from "../../../src/injection/pod-annotations.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { createKubectl } from "../kubectl.ts";
import { type ChartObject, renderKustomization } from "./tools.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const FIXTURES = join(import.meta.dirname, "../../fixtures/pods");
const LABELLED = `labelled-${process.pid}`;
const UNLABELLED = `unlabelled-${process.pid}`;

const namespace = (name: string, labels: object) =>
  stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });

/** Creates the pod as a server-side dry run; returns "created" or the API server's error. */
async function dryRun(pod: object, namespaceName: string): Promise<string> {
  const { spec, metadata } = pod as Pod;
  const { name, ...rest } = { name: "candidate", ...metadata };
  const candidate = { apiVersion: "v1", kind: "Pod", metadata: { ...rest, name, namespace: namespaceName }, spec };
  const { code, err } = await kubectl.run(["create", "--dry-run=server", "-f", "-"], JSON.stringify(candidate));
  return code === 0 ? "created" : err;
}

const ofKind = (objects: readonly ChartObject[], ...kinds: string[]) =>
  objects.filter(({ kind }) => kinds.includes(kind));

async function apply(objects: readonly ChartObject[]): Promise<void> {
  await kubectl.ok(["apply", "-f", "-"], objects.map((object) => stringify(object)).join("---\n"));
}

async function remove(objects: readonly ChartObject[]): Promise<void> {
  const yaml = objects.map((object) => stringify(object)).join("---\n");
  await kubectl.run(["delete", "--ignore-not-found", "-f", "-"], yaml);
}

const podOf = (annotations: Record<string, string>, spec: object = {}, containers = ["app"]) => ({
  metadata: { annotations },
  spec: { containers: containers.map((name) => ({ name, image: "app" })), ...spec },
});
const ROLE = { "iam.amazonaws.com/role": "shop-orders" };
const ANNOTATED = podOf(ROLE);
const DENIED = /names a role in its annotations and has no podrole-sidecar/;

before(async () => {
  await kubectl.ok(["create", "-f", "-"], namespace(LABELLED, { "podrole.io/inject": "enabled" }));
  await kubectl.ok(["create", "-f", "-"], namespace(UNLABELLED, {}));
  for (const name of [LABELLED, UNLABELLED]) {
    const account = ["-n", name, "get", "serviceaccount", "default"];
    await until(async () => (await kubectl.run(account)).code === 0, "the default ServiceAccount exists");
  }
});
const WINDOWS_BUILD = "node.kubernetes.io/windows-build";
const WINDOWS_OPTIONS = { windowsOptions: { runAsUserName: "ContainerUser" } };

/** A required node affinity to nodes with one of these operating systems. */
function nodesOf(...values: readonly string[]): object {
  const matchExpressions = [{ key: "kubernetes.io/os", operator: "In", values }];
  const required = { nodeSelectorTerms: [{ matchExpressions }] };
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } };
}

after(async () => {
  await kubectl.run(["delete", "namespace", LABELLED, UNLABELLED, "--wait=false"]);
});

suite("the ValidatingAdmissionPolicy", { timeout: 120_000 }, () => {
  const policies = ofKind(renderKustomization("base"), "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding");
  const policy = policies.filter(({ metadata }) => metadata.name === "podrole-sidecar");
  before(async () => {
    assert.equal(policy.length, 2);
    await apply(policy);
    await until(async () => DENIED.test(await dryRun(ANNOTATED, LABELLED)), "the policy is in force");
  });
  after(() => remove(policy));

  test("passes the API server's type check", async () => {
    const { status } = await kubectl.json<{ status: { typeChecking?: { expressionWarnings?: unknown } } }>([
      ...["get", "validatingadmissionpolicy", "podrole-sidecar"],
    ]);
    assert.equal(status.typeChecking?.expressionWarnings, undefined);
  });

  for (const [what, pod, isDenied, namespaceName] of [
    ["a role and no sidecar", ANNOTATED, true],
    ["no role", podOf({}), false],
    ["no annotations at all", { metadata: {}, spec: ANNOTATED.spec }, false],
    ["a role, in a namespace without the label", ANNOTATED, false, UNLABELLED],
    ["a role for only one container", podOf({ "iam.amazonaws.com/role.app": "x" }), true],
    ["an annotation that only looks like a role", podOf({ "iam.amazonaws.com/roles": "x" }), false],
    ["a role and a native sidecar", podOf(ROLE, { initContainers: [sidecar("Always")] }), false],
    ["a role and a classic sidecar", podOf(ROLE, {}, ["podrole-sidecar", "app"]), false],
    ["a role and only podrole-init", podOf(ROLE, { initContainers: [{ name: "podrole-init", image: "x" }] }), true],
    ["a role and podrole.io/inject: disabled", podOf({ ...ROLE, "podrole.io/inject": "disabled" }), false],
    ["a role and podrole.io/inject: enabled", podOf({ ...ROLE, "podrole.io/inject": "enabled" }), true],
    ["a role and hostNetwork: true", podOf(ROLE, { hostNetwork: true }), false],
    ["a role and hostNetwork: false", podOf(ROLE, { hostNetwork: false }), true],
    ["a role, for Windows", podOf(ROLE, { os: { name: "windows" } }), false],
    ["a role, for Linux", podOf(ROLE, { os: { name: "linux" } }), true],
    ["a role, on Windows nodes", podOf(ROLE, { nodeSelector: { "kubernetes.io/os": "windows" } }), false],
    ["a role, on nodes of a Windows build", podOf(ROLE, { nodeSelector: { [WINDOWS_BUILD]: "10.0" } }), false],
    ["a role, with an affinity to Windows nodes", podOf(ROLE, nodesOf("windows")), false],
    ["a role, with an affinity to both systems", podOf(ROLE, nodesOf("windows", "linux")), true],
    ["a role, with options of Windows", podOf(ROLE, { securityContext: WINDOWS_OPTIONS }), false],
    ["a role, on other nodes", podOf(ROLE, { nodeSelector: { pool: "windows" } }), true],
    ["a role and an empty list of containers", podOf({ ...ROLE, "podrole.io/containers": " , " }), false],
    ["a role and a list with one of its containers", podOf({ ...ROLE, "podrole.io/containers": "app" }), true],
    ["a role and only a mesh's containers", podOf(ROLE, {}, ["istio-proxy"]), false],
    [
      "a role for a mesh's own container",
      podOf({ "iam.amazonaws.com/role.istio-proxy": "x" }, {}, ["istio-proxy"]),
      true,
    ],
    ["a role and a mesh's container beside the app", podOf(ROLE, {}, ["istio-proxy", "app"]), true],
  ] as readonly (readonly [string, object, boolean, string?])[]) {
    test(`${isDenied ? "denies" : "admits"} a pod with ${what}`, async () => {
      const answer = await dryRun(pod, namespaceName ?? LABELLED);
      if (isDenied) assert.match(answer, DENIED);
      else assert.equal(answer, "created");
    });
  }

  for (const name of readdirSync(FIXTURES).filter((each) => existsSync(join(FIXTURES, each, "plan.yaml")))) {
    const read = (file: string): unknown => parse(readFileSync(join(FIXTURES, name, file), "utf8"));
    const { decision, reason } = read("plan.yaml") as { decision: string; reason: string };
    // Only the kubelet creates mirror pods. Pods that the webhook refuses never reach the policy.
    if (decision === "refuse" || reason === "MIRROR_POD") continue;
    test(`agrees with the webhook about fixtures/pods/${name}`, async () => {
      const pod = read("pod.yaml") as Pod;
      const hasSidecar = JSON.stringify(pod.spec).includes('"podrole-sidecar"');
      if (decision === "inject") {
        assert.equal(await verdict(read("expected-pod.yaml") as Pod), "admitted");
        assert.equal(await verdict(pod), hasRoleAnnotation(pod) && !hasSidecar ? "denied" : "admitted");
      } else {
        const isUnlabelled = ["NAMESPACE_NOT_LABELLED", "SYSTEM_NAMESPACE"].includes(reason);
        assert.equal(await verdict(pod, isUnlabelled ? UNLABELLED : LABELLED), "admitted");
      }
    });
  }

  /** Sends only the fields that the expressions read: accounts, volumes or ports could fail other admission checks. */
  async function verdict({ metadata, spec }: Pod, namespaceName = LABELLED): Promise<"denied" | "admitted"> {
    const { hostNetwork, os, nodeSelector, affinity } = spec;
    const bare = (containers: Pod["spec"]["containers"] = []) =>
      containers.map(({ name, restartPolicy }) => ({ name, image: "app", ...(restartPolicy && { restartPolicy }) }));
    const lists = { containers: bare(spec.containers), initContainers: bare(spec.initContainers) };
    const answer = await dryRun(
      { metadata, spec: { ...lists, hostNetwork, os, nodeSelector, affinity } },
      namespaceName,
    );
    if (DENIED.test(answer)) return "denied";
    assert.equal(answer, "created");
    return "admitted";
  }
});

function sidecar(restartPolicy: string) {
  return { name: "podrole-sidecar", image: "podrole-sidecar", restartPolicy };
}

suite("an outage of the webhook", { timeout: 120_000 }, () => {
  const BLOCKED = /failed calling webhook "pods\.podrole\.io"/;
  const CASES = [
    ["annotated pods of labelled namespaces", ANNOTATED, LABELLED, true, true],
    ["pods of labelled namespaces whose ServiceAccount or namespace may name a role", podOf({}), LABELLED, true, false],
    ["pods with a role for one container", podOf({ "iam.amazonaws.com/role.app": "x" }), LABELLED, true, true],
    ["pods that opted out", podOf({ ...ROLE, "podrole.io/inject": "disabled" }), LABELLED, false, false],
    ["annotated pods of other namespaces", ANNOTATED, UNLABELLED, false, false],
    ["pods of other namespaces", podOf({}), UNLABELLED, false, false],
    ["annotated pods of kube-system, labelled or not", ANNOTATED, "kube-system", false, false],
  ] as const;

  for (const [variant, components] of [
    ["manifests/base", []],
    ["components/annotated-pods-only", ["annotated-pods-only"]],
  ] as const) {
    suite(`with ${variant}`, () => {
      const configuration = ofKind(renderKustomization("base", components), "MutatingWebhookConfiguration");
      before(async () => {
        assert.equal(configuration.length, 1);
        await kubectl.ok(["label", "namespace", "kube-system", "podrole.io/inject=enabled"]);
        await apply(configuration);
        await until(async () => BLOCKED.test(await dryRun(ANNOTATED, LABELLED)), "the configuration is in force");
      });
      after(async () => {
        await remove(configuration);
        await kubectl.run(["label", "namespace", "kube-system", "podrole.io/inject-"]);
        await until(async () => (await dryRun(ANNOTATED, LABELLED)) === "created", "the configuration is removed");
      });

      for (const [what, pod, namespaceName, blockedByBase, blockedByComponent] of CASES) {
        const isBlocked = components.length === 0 ? blockedByBase : blockedByComponent;
        test(`${isBlocked ? "blocks" : "does not affect"} ${what}`, async () => {
          const answer = await dryRun(pod, namespaceName);
          if (isBlocked) assert.match(answer, BLOCKED);
          else assert.equal(answer, "created");
        });
      }
    });
  }
});
