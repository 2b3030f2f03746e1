// Expressions of the manifests as a real API server evaluates them: which pods the ValidatingAdmissionPolicy refuses, and
// which pods an outage of the webhook touches. No part of podrole runs here, so every call of the webhook fails.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { hasRoleAnnotation } from "../../../src/injection/pod-annotations.ts";
import { createKubectl } from "../kubectl.ts";
import { type KubeObject, kustomize } from "./tools.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const FIXTURES = join(import.meta.dirname, "../../fixtures/pods");
const LABELLED = `labelled-${process.pid}`;
const UNLABELLED = `unlabelled-${process.pid}`;

const namespace = (name: string, labels: object) =>
  stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });

/** What the API server says to a pod; nothing is stored. */
async function ask(pod: object, where: string): Promise<string> {
  const { spec, metadata } = pod as Pod;
  const { name, ...rest } = { name: "asked", ...metadata };
  const asked = { apiVersion: "v1", kind: "Pod", metadata: { ...rest, name, namespace: where }, spec };
  const { code, err } = await kubectl.run(["create", "--dry-run=server", "-f", "-"], JSON.stringify(asked));
  return code === 0 ? "created" : err;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail(`waited in vain: ${what}`);
}

const ofKind = (objects: readonly KubeObject[], ...kinds: string[]) =>
  objects.filter(({ kind }) => kinds.includes(kind));

async function apply(objects: readonly KubeObject[]): Promise<void> {
  await kubectl.ok(["apply", "-f", "-"], objects.map((object) => stringify(object)).join("---\n"));
}

async function remove(objects: readonly KubeObject[]): Promise<void> {
  const yaml = objects.map((object) => stringify(object)).join("---\n");
  await kubectl.run(["delete", "--ignore-not-found", "-f", "-"], yaml);
}

const podOf = (annotations: Record<string, string>, spec: object = {}, containers = ["app"]) => ({
  metadata: { annotations },
  spec: { containers: containers.map((name) => ({ name, image: "app" })), ...spec },
});
const ROLE = { "iam.amazonaws.com/role": "shop-orders" };
const ANNOTATED = podOf(ROLE);
const REFUSED = /names a role in its annotations and has no podrole-sidecar/;

before(async () => {
  await kubectl.ok(["create", "-f", "-"], namespace(LABELLED, { "podrole.io/inject": "enabled" }));
  await kubectl.ok(["create", "-f", "-"], namespace(UNLABELLED, {}));
  for (const name of [LABELLED, UNLABELLED]) {
    const account = ["-n", name, "get", "serviceaccount", "default"];
    await until("the default ServiceAccount", async () => (await kubectl.run(account)).code === 0);
  }
});
after(async () => {
  await kubectl.run(["delete", "namespace", LABELLED, UNLABELLED, "--wait=false"]);
});

suite("the ValidatingAdmissionPolicy", { timeout: 120_000 }, () => {
  const policy = ofKind(kustomize("base"), "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding");
  before(async () => {
    assert.equal(policy.length, 2);
    await apply(policy);
    await until("the policy is in force", async () => REFUSED.test(await ask(ANNOTATED, LABELLED)));
  });
  after(() => remove(policy));

  test("is free of type errors", async () => {
    const { status } = await kubectl.json<{ status: { typeChecking?: { expressionWarnings?: unknown } } }>([
      ...["get", "validatingadmissionpolicy", "podrole-sidecar"],
    ]);
    assert.equal(status.typeChecking?.expressionWarnings, undefined);
  });

  for (const [what, pod, isRefused, where] of [
    ["a role and no sidecar", ANNOTATED, true],
    ["no role", podOf({}), false],
    ["no annotations at all", { metadata: {}, spec: ANNOTATED.spec }, false],
    ["a role, in a namespace without the label", ANNOTATED, false, UNLABELLED],
    ["a role for one container alone", podOf({ "iam.amazonaws.com/role.app": "x" }), true],
    ["an annotation that only looks like a role", podOf({ "iam.amazonaws.com/roles": "x" }), false],
    ["a role and a native sidecar", podOf(ROLE, { initContainers: [sidecar("Always")] }), false],
    ["a role and a classic sidecar", podOf(ROLE, {}, ["podrole-sidecar", "app"]), false],
    ["a role and podrole-init alone", podOf(ROLE, { initContainers: [{ name: "podrole-init", image: "x" }] }), true],
    ["a role and podrole.io/inject: disabled", podOf({ ...ROLE, "podrole.io/inject": "disabled" }), false],
    ["a role and podrole.io/inject: enabled", podOf({ ...ROLE, "podrole.io/inject": "enabled" }), true],
    ["a role, on its node's network", podOf(ROLE, { hostNetwork: true }), false],
    ["a role and hostNetwork: false", podOf(ROLE, { hostNetwork: false }), true],
    ["a role, for Windows", podOf(ROLE, { os: { name: "windows" } }), false],
    ["a role, for Linux", podOf(ROLE, { os: { name: "linux" } }), true],
    ["a role, on Windows nodes", podOf(ROLE, { nodeSelector: { "kubernetes.io/os": "windows" } }), false],
    ["a role, on other nodes", podOf(ROLE, { nodeSelector: { pool: "windows" } }), true],
    ["a role that nobody takes", podOf({ ...ROLE, "podrole.io/containers": " , " }), false],
    ["a role that one container takes", podOf({ ...ROLE, "podrole.io/containers": "app" }), true],
    ["a role and a mesh's containers alone", podOf(ROLE, {}, ["istio-proxy"]), false],
    [
      "a role of a mesh's own container",
      podOf({ "iam.amazonaws.com/role.istio-proxy": "x" }, {}, ["istio-proxy"]),
      true,
    ],
    ["a role and a mesh's container beside the app", podOf(ROLE, {}, ["istio-proxy", "app"]), true],
  ] as readonly (readonly [string, object, boolean, string?])[]) {
    test(`${isRefused ? "refuses" : "lets through"} a pod with ${what}`, async () => {
      const answer = await ask(pod, where ?? LABELLED);
      if (isRefused) assert.match(answer, REFUSED);
      else assert.equal(answer, "created");
    });
  }

  for (const name of readdirSync(FIXTURES).filter((each) => existsSync(join(FIXTURES, each, "plan.yaml")))) {
    const read = (file: string): unknown => parse(readFileSync(join(FIXTURES, name, file), "utf8"));
    const { decision, reason } = read("plan.yaml") as { decision: string; reason: string };
    // Mirror pods are the kubelet's to create; what the webhook refuses never comes this far.
    if (decision === "refuse" || reason === "MIRROR_POD") continue;
    test(`agrees with the webhook about fixtures/pods/${name}`, async () => {
      const pod = read("pod.yaml") as Pod;
      const isSidecarThere = JSON.stringify(pod.spec).includes('"podrole-sidecar"');
      if (decision === "inject") {
        assert.equal(await asked(read("expected-pod.yaml") as Pod), "let through");
        assert.equal(await asked(pod), hasRoleAnnotation(pod) && !isSidecarThere ? "refused" : "let through");
      } else {
        const isElsewhere = ["NAMESPACE_NOT_LABELLED", "SYSTEM_NAMESPACE"].includes(reason);
        assert.equal(await asked(pod, isElsewhere ? UNLABELLED : LABELLED), "let through");
      }
    });
  }

  /** With what the expressions read, and nothing else that the API server could object to: accounts, volumes, ports. */
  async function asked({ metadata, spec }: Pod, where = LABELLED): Promise<"refused" | "let through"> {
    const { hostNetwork, os, nodeSelector } = spec;
    const bare = (containers: Pod["spec"]["containers"] = []) =>
      containers.map(({ name, restartPolicy }) => ({ name, image: "app", ...(restartPolicy && { restartPolicy }) }));
    const lists = { containers: bare(spec.containers), initContainers: bare(spec.initContainers) };
    const answer = await ask({ metadata, spec: { ...lists, hostNetwork, os, nodeSelector } }, where);
    if (REFUSED.test(answer)) return "refused";
    assert.equal(answer, "created");
    return "let through";
  }
});

function sidecar(restartPolicy: string) {
  return { name: "podrole-sidecar", image: "podrole-sidecar", restartPolicy };
}

suite("an outage of the webhook", { timeout: 120_000 }, () => {
  const WAITS = /failed calling webhook "pods\.podrole\.io"/;
  const CASES = [
    ["annotated pods of labelled namespaces", ANNOTATED, LABELLED, true, true],
    ["pods of labelled namespaces whose account or namespace may name a role", podOf({}), LABELLED, true, false],
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
      const configuration = ofKind(kustomize("base", components), "MutatingWebhookConfiguration");
      before(async () => {
        assert.equal(configuration.length, 1);
        await kubectl.ok(["label", "namespace", "kube-system", "podrole.io/inject=enabled"]);
        await apply(configuration);
        await until("the configuration is in force", async () => WAITS.test(await ask(ANNOTATED, LABELLED)));
      });
      after(async () => {
        await remove(configuration);
        await kubectl.run(["label", "namespace", "kube-system", "podrole.io/inject-"]);
        await until("the configuration is gone", async () => (await ask(ANNOTATED, LABELLED)) === "created");
      });

      for (const [what, pod, where, inBase, narrowed] of CASES) {
        const waits = components.length === 0 ? inBase : narrowed;
        test(`${waits ? "holds back" : "does not touch"} ${what}`, async () => {
          const answer = await ask(pod, where);
          if (waits) assert.match(answer, WAITS);
          else assert.equal(answer, "created");
        });
      }
    });
  }
});
