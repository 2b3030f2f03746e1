// Shared by the files of the node suite: kubectl, the node, controls of the emulated STS, waiting, and diagnostics
// after a failed test. main.ts has started the cluster, loaded the images and installed podrole.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, type TestContext } from "node:test";
import type { StsCall } from "../../../emulators/sts/calls.ts";
import type { Fault } from "../../../emulators/sts/faults.ts";
import { createKubectl } from "../kubectl.ts";
import { NODE_SCRIPT } from "../kubernetes/node.ts";
import { injectedNamespace, type PodShape } from "./pods.ts";

const { KUBECONFIG = "", KUBECTL = "kubectl" } = process.env;

/** The folder given to node.sh; empty if the cluster is the caller's own. */
export const NODE_DIRECTORY = process.env["PODROLE_NODE"] ?? "";
export const AUDIT_LOG = process.env["AUDIT_LOG"] ?? "";
export const kubectl = createKubectl({ binary: KUBECTL, kubeconfig: KUBECONFIG });

/** Matches the ARN that GetCallerIdentity returns for a session of `role` in a pod of `namespace`. */
export function assumedRolePattern(role: string, namespace: string): RegExp {
  return new RegExp(`^arn:aws:sts::123456789012:assumed-role/${role}/${namespace}\\.`, "m");
}

export interface SuiteNamespace {
  readonly name: string;
  /** Runs kubectl in this namespace; throws RangeError if it fails. */
  ok(args: readonly string[], input?: string): Promise<string>;
  run: (typeof kubectl)["run"];
  apply(manifest: string): Promise<string>;
  /** Resolves with the container's log once it matches `expected`; fails with the last log otherwise. */
  logs(what: string, expected: RegExp, container?: string): Promise<string>;
  /** Runs JavaScript in a container of the pod. */
  evaluate(pod: string, container: string, code: string): Promise<string>;
  events(about: string): Promise<string>;
}

/** A namespace for the tests of one file: created before them, deleted after them. */
export function useNamespace(name: string, metadata: Pick<PodShape, "labels" | "annotations"> = {}): SuiteNamespace {
  const ok = (args: readonly string[], input?: string) => kubectl.ok(["-n", name, ...args], input);
  const run = (args: readonly string[], input?: string) => kubectl.run(["-n", name, ...args], input);
  before(async () => {
    await kubectl.ok(["apply", "-f", "-"], injectedNamespace(name, metadata));
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
      untilSuccess(`${expected} in the log of ${what}`, async () => {
        const { out, err } = await run(["logs", what, "-c", container]);
        return expected.test(out) ? out : new Not(out + err);
      }),
    evaluate: (pod, container, code) => ok(["exec", pod, "-c", container, "--", "node", "--eval", code]),
    events: (about) => ok(["get", "events", "--field-selector", `involvedObject.name=${about}`]),
  };
}

/** Returned by a poll whose condition is not met yet: the observed state, for the error message. */
export class Not {
  readonly state: string;
  constructor(state: string) {
    this.state = state;
  }
}

/** Polls every `everyMs` until the result is not a `Not`; after `seconds` fails with the last observed state. */
export async function untilSuccess<Answer>(
  what: string,
  poll: () => Promise<Answer | Not>,
  { seconds = 120, everyMs = 300 }: { readonly seconds?: number; readonly everyMs?: number } = {},
): Promise<Answer> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await poll();
    if (!(answer instanceof Not)) return answer;
    if (Date.now() > until)
      assert.fail(`timed out after ${seconds} s waiting for ${what}; last state: ${answer.state}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Runs a command in the node's Linux namespaces, where its containers are processes; returns its output. */
export function onNode(command: string): string {
  const { status, stdout, stderr } = spawnSync(NODE_SCRIPT, ["exec", NODE_DIRECTORY, "sh", "-c", command], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const CONTROLS = "/api/v1/namespaces/aws/services/sts:4567/proxy";

/** Controls of the emulated STS: faults to inject, and the calls that it received. */
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

/** Scales one of podrole's programs and waits until the pods match. */
export async function scaleDeployment(deployment: string, replicas: number): Promise<void> {
  await kubectl.ok(["-n", "podrole", "scale", `deployment/${deployment}`, `--replicas=${replicas}`]);
  const selector = ["-n", "podrole", "get", "pods", "-l", `app.kubernetes.io/name=${deployment}`, "-o", "name"];
  if (replicas > 0) await rolledOut("podrole", `deployment/${deployment}`);
  else
    await untilSuccess(`the end of ${deployment}'s pods`, async () => {
      const left = await kubectl.ok(selector);
      return left === "" ? left : new Not(left);
    });
}

export async function rolledOut(namespace: string, workload: string): Promise<void> {
  await kubectl.ok(["-n", namespace, "rollout", "status", workload, "--timeout=180s"]);
}

/** Returns the objects whose "kind/name" matches, of every kind that can be listed except Events, which expire. */
export async function objectsNamed(name: RegExp): Promise<readonly string[]> {
  const kinds = (await kubectl.ok(["api-resources", "--verbs=list,get", "-o", "name"])).trim().split("\n");
  const listed = kinds.filter((kind) => !/^events(\.|$)/.test(kind)).join(",");
  const all = await kubectl.ok(["get", listed, "--all-namespaces", "-o", "name", "--ignore-not-found"]);
  return all.split("\n").filter((line) => name.test(line));
}

/** For afterEach: after a failed test, prints the state of a namespace and of podrole in namespace `own`. */
export async function printDiagnosis(context: unknown, namespace: string, own = "podrole"): Promise<void> {
  const test = context as TestContext;
  if (test.passed) return;
  const commands = [
    ["-n", namespace, "get", "pods", "-o", "wide"],
    ["-n", namespace, "get", "events", "--sort-by=.lastTimestamp"],
    ["-n", own, "get", "pods", "-o", "wide"],
    ["-n", own, "logs", "-l", "app.kubernetes.io/name=podrole-server", "--tail=15"],
    ["-n", own, "logs", "-l", "app.kubernetes.io/name=podrole-webhook", "--tail=15"],
  ];
  for (const args of commands) {
    const { out, err } = await kubectl.run(args);
    test.diagnostic(`$ kubectl ${args.join(" ")}\n${(out + err).slice(-4_000)}`);
  }
}
