// What every file of the node suite uses: kubectl, the node, STS's controls, waiting, and what a person would look at when
// a test has failed. main.ts has brought the cluster, the images and podrole.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, type TestContext } from "node:test";
import type { Fault } from "../../../emulators/sts/faults.ts";
import type { StsCall } from "../../../emulators/sts/calls.ts";
import { createKubectl } from "../kubectl.ts";
import { NODE_SCRIPT } from "../kubernetes/node.ts";
import { injectedNamespace, type Shape } from "./pods.ts";

const { KUBECONFIG = "", KUBECTL = "kubectl" } = process.env;

/** The folder of node.sh; empty when the cluster is one of the caller's. */
export const NODE_DIRECTORY = process.env["PODROLE_NODE"] ?? "";
export const AUDIT_LOG = process.env["AUDIT_LOG"] ?? "";
export const kubectl = createKubectl({ binary: KUBECTL, kubeconfig: KUBECONFIG });

/** Arn of a session of `role`, of a pod of `namespace`, as GetCallerIdentity tells it. */
export function assumed(role: string, namespace: string): RegExp {
  return new RegExp(`^arn:aws:sts::123456789012:assumed-role/${role}/${namespace}\\.`, "m");
}

export interface Namespace {
  readonly name: string;
  /** kubectl in this namespace; must succeed. */
  ok(words: readonly string[], input?: string): Promise<string>;
  run: (typeof kubectl)["run"];
  apply(manifest: string): Promise<string>;
  /** Resolves with the container's log when `expected` is in it; fails with what is there instead. */
  logs(what: string, expected: RegExp, container?: string): Promise<string>;
  /** Runs JavaScript in a container of the pod. */
  evaluate(pod: string, container: string, code: string): Promise<string>;
  events(about: string): Promise<string>;
}

/** A namespace of the suite's own for the tests of one file: made before them, deleted after them. */
export function useNamespace(name: string, around: Pick<Shape, "labels" | "annotations"> = {}): Namespace {
  const ok = (words: readonly string[], input?: string) => kubectl.ok(["-n", name, ...words], input);
  const run = (words: readonly string[], input?: string) => kubectl.run(["-n", name, ...words], input);
  before(async () => {
    await kubectl.ok(["apply", "-f", "-"], injectedNamespace(name, around));
  });
  after(async () => {
    await kubectl.run(["delete", "namespace", name, "--ignore-not-found", "--wait=false"]);
  });
  return {
    name,
    ok,
    run,
    apply: (manifest) => ok(["apply", "-f", "-"], manifest),
    logs: (what, expected, container = "app") =>
      eventually(`${expected} in the log of ${what}`, async () => {
        const { out, err } = await run(["logs", what, "-c", container]);
        return expected.test(out) ? out : new Not(out + err);
      }),
    evaluate: (pod, container, code) => ok(["exec", pod, "-c", container, "--", "node", "--eval", code]),
    events: (about) => ok(["get", "events", "--field-selector", `involvedObject.name=${about}`]),
  };
}

/** What there is instead of what was awaited. */
export class Not {
  readonly state: string;
  constructor(state: string) {
    this.state = state;
  }
}

/** Asks until the answer is no Not; after two minutes fails with the last state. */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer | Not>,
  seconds = 120,
): Promise<Answer> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (!(answer instanceof Not)) return answer;
    if (Date.now() > until) assert.fail(`waited ${seconds} s for ${what}; there is: ${answer.state}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** A command in the node's namespaces, where its containers are processes. */
export function onNode(command: string): string {
  const { status, stdout, stderr } = spawnSync(NODE_SCRIPT, ["exec", NODE_DIRECTORY, "sh", "-c", command], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const CONTROLS = "/api/v1/namespaces/aws/services/sts:4567/proxy";

/** The emulated STS: what it is to do wrong, and what it was asked. */
export const sts = {
  async set(fault: Fault, scope: { readonly calls?: number; readonly roleArn?: string } = {}): Promise<void> {
    await kubectl.ok(["create", "--raw", `${CONTROLS}/faults`, "-f", "-"], JSON.stringify({ fault, scope }));
  },
  async clear(): Promise<void> {
    await kubectl.ok(["delete", "--raw", `${CONTROLS}/faults`]);
  },
  async calls(): Promise<readonly StsCall[]> {
    return JSON.parse(await kubectl.ok(["get", "--raw", `${CONTROLS}/calls`])) as StsCall[];
  },
};

/** Scales one of podrole's programs and waits until that is so. */
export async function scale(deployment: string, replicas: number): Promise<void> {
  await kubectl.ok(["-n", "podrole", "scale", `deployment/${deployment}`, `--replicas=${replicas}`]);
  const selector = ["-n", "podrole", "get", "pods", "-l", `app.kubernetes.io/name=${deployment}`, "-o", "name"];
  if (replicas > 0) await rolledOut("podrole", `deployment/${deployment}`);
  else
    await eventually(`${deployment} to be gone`, async () => {
      const left = await kubectl.ok(selector);
      return left === "" ? left : new Not(left);
    });
}

export async function rolledOut(namespace: string, workload: string): Promise<void> {
  await kubectl.ok(["-n", namespace, "rollout", "status", workload, "--timeout=180s"]);
}

/** For afterEach: after a failed test, the state of a namespace and of podrole, as a person would look at it. */
export async function diagnose(context: unknown, namespace: string): Promise<void> {
  const test = context as TestContext;
  if (test.passed) return;
  const looks = [
    ["-n", namespace, "get", "pods", "-o", "wide"],
    ["-n", namespace, "get", "events", "--sort-by=.lastTimestamp"],
    ["-n", "podrole", "get", "pods", "-o", "wide"],
    ["-n", "podrole", "logs", "-l", "app.kubernetes.io/name=podrole-server", "--tail=15"],
    ["-n", "podrole", "logs", "-l", "app.kubernetes.io/name=podrole-webhook", "--tail=15"],
  ];
  for (const words of looks) {
    const { out, err } = await kubectl.run(words);
    test.diagnostic(`$ kubectl ${words.join(" ")}\n${(out + err).slice(-4_000)}`);
  }
}
