// podrole as a user gets it: its own images, `kubectl apply -k manifests/base`, pods that a kubelet runs under PodSecurity
// `restricted`. Asserts what must be so; tells what it costs. main.ts brings the cluster and the images.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createKubectl } from "../kubectl.ts";
import { BARE_SHAPE, manifest, NAMESPACE, NAMESPACE_MANIFEST } from "./pods.ts";

const { KUBECONFIG = "", KUBECTL = "", AUDIT_LOG = "", PODROLE_NODE = "", PODROLE_IMAGE_BYTES = "{}" } = process.env;
const kubectl = createKubectl({ binary: KUBECTL, kubeconfig: KUBECONFIG });
const inNamespace = (...words: string[]) => kubectl.ok(["-n", NAMESPACE, ...words]);
const ROLE = "shop-orders";
const ASSUMED = new RegExp(`^arn:aws:sts::123456789012:assumed-role/${ROLE}/${NAMESPACE}\\.`, "m");
const STARTS = 10;

/** A command in the node's namespaces, where its containers are processes. */
function onNode(command: string): string {
  const script = join(import.meta.dirname, "../kubernetes/node.sh");
  const { status, stdout, stderr } = spawnSync(script, ["exec", PODROLE_NODE, "sh", "-c", command], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

suite("on a real node", { timeout: 400_000 }, () => {
  before(async () => {
    await kubectl.ok(["apply", "-k", join(import.meta.dirname, "overlay")]);
    await kubectl.ok(["-n", "aws", "rollout", "status", "deployment/sts", "--timeout=60s"]);
    for (const name of ["podrole-server", "podrole-webhook"]) {
      await kubectl.ok(["-n", "podrole", "rollout", "status", `deployment/${name}`, "--timeout=60s"]);
    }
    await kubectl.ok(["apply", "-f", "-"], NAMESPACE_MANIFEST);
  });
  after(async () => {
    await kubectl.run(["delete", "namespace", NAMESPACE, "--wait=false"]);
    await kubectl.run(["delete", "-k", join(import.meta.dirname, "overlay"), "--wait=false"]);
  });

  test("the images hold little besides their base", (context) => {
    for (const [image, bytes] of Object.entries(JSON.parse(PODROLE_IMAGE_BYTES) as Record<string, number>)) {
      context.diagnostic(`${image} adds ${(bytes / 1e6).toFixed(1)} MB to its base`);
      assert.ok(bytes < 10e6);
    }
  });

  test("manifests/base brings two ready replicas of each program, under PodSecurity restricted, without restarts", async () => {
    const pods = await kubectl.json<{
      items: { status: { containerStatuses: { ready: boolean; restartCount: number }[] } }[];
    }>(["-n", "podrole", "get", "pods"]);
    const containers = pods.items.flatMap(({ status }) => status.containerStatuses);
    assert.deepEqual(
      containers.map(({ ready, restartCount }) => [ready, restartCount]),
      Array.from({ length: 4 }, () => [true, 0]),
    );
  });

  test("the pods of a Deployment assume their role", async () => {
    await kubectl.ok(["apply", "-f", "-"], manifest("Deployment", "orders", "stay", ROLE));
    await inNamespace("rollout", "status", "deployment/orders", "--timeout=60s");
    assert.match(await logsUntil("deployment/orders", ASSUMED), ASSUMED);
  });

  test("a Job completes: the sidecar ends with its app", async () => {
    await kubectl.ok(["apply", "-f", "-"], manifest("Job", "report", "once", ROLE));
    await inNamespace("wait", "job/report", "--for=condition=Complete", "--timeout=60s");
    assert.match(await inNamespace("logs", "job/report", "-c", "app"), ASSUMED);
  });

  test("ROLE_FORBIDDEN: a pod with a role that its namespace does not permit is refused", async (context) => {
    const { code, err } = await kubectl.run(["apply", "-f", "-"], manifest("Pod", "intruder", "once", "payroll-admin"));
    context.diagnostic(err.trim());
    assert.equal(code, 1);
    assert.match(err, /denied the request: ROLE_FORBIDDEN: /);
  });

  test("classic mode: the app starts after the sidecar and assumes its role", async () => {
    await kubectl.ok(["apply", "-f", "-"], manifest("Pod", "classic", "stay", ROLE, { "podrole.io/mode": "classic" }));
    assert.match(await logsUntil("pod/classic", ASSUMED), ASSUMED);
    await inNamespace("delete", "pod", "classic", "--wait=false");
  });

  test("the memory that a sidecar has to itself is told", (context) => {
    const rollups = onNode("for pid in $(pgrep -f '[m]ain.cjs serve'); do cat /proc/$pid/smaps_rollup; done");
    const sizes = rollups.split(/ \[rollup\]\n/).slice(1);
    assert.ok(sizes.length > 0);
    const megabytes = sizes.map((rollup) => {
      const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, size]) => Number(size));
      return kilobytes.reduce((sum, size) => sum + size, 0) / 1024;
    });
    context.diagnostic(
      `private memory of each sidecar: ${megabytes.map((size) => `${size.toFixed(1)} MiB`).join(", ")}`,
    );
  });

  test("what podrole adds to the start of a pod is told", async (context) => {
    const shapes = [
      { pod: "podrole", role: ROLE, initContainers: [] },
      { pod: "bare", role: undefined, initContainers: BARE_SHAPE },
      { pod: "plain", role: undefined, initContainers: [] },
    ];
    const times = new Map<string, number[]>(shapes.map(({ pod }) => [pod, []]));
    for (let number = 0; number < STARTS; number++) {
      for (const { pod, role, initContainers } of shapes) {
        times.get(pod)?.push(await timeToStart(`${pod}-${number}`, role, initContainers));
      }
    }
    const [podrole = 0, bare = 0, plain = 0] = [...times.values()].map(median);
    for (const [pod, each] of times) context.diagnostic(`${pod}: ${each.map((time) => Math.round(time)).join(" ")} ms`);
    context.diagnostic(`medians: ${Math.round(plain)} ms without podrole, ${Math.round(podrole)} ms with it`);
    context.diagnostic(`with an init container and a sidecar that do nothing: ${Math.round(bare)} ms`);
  });

  /** Milliseconds from the pod's binding to the node, by the API server's audit log, to the start of its app's process. */
  async function timeToStart(
    name: string,
    role: string | undefined,
    initContainers: readonly unknown[],
  ): Promise<number> {
    await kubectl.ok(["apply", "-f", "-"], manifest("Pod", name, "start", role, {}, initContainers));
    await inNamespace("wait", `pod/${name}`, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s");
    const started = Number((await inNamespace("logs", name, "-c", "app")).split("\n")[0]);
    await inNamespace("delete", "pod", name, "--wait=false");
    const bound = await boundAt(name);
    return started - bound;
  }

  async function boundAt(name: string): Promise<number> {
    const lines = (await readFile(AUDIT_LOG, "utf8")).split("\n");
    const line = lines.findLast(
      (candidate) => candidate.includes('"subresource":"binding"') && candidate.includes(`"name":"${name}"`),
    );
    assert.ok(line, `the audit log has no binding of ${name}`);
    return Date.parse((JSON.parse(line) as { requestReceivedTimestamp: string }).requestReceivedTimestamp);
  }

  async function logsUntil(what: string, expected: RegExp): Promise<string> {
    for (let tries = 0; ; tries++) {
      const { out } = await kubectl.run(["-n", NAMESPACE, "logs", what, "-c", "app"]);
      if (expected.test(out) || tries === 60) return out;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
});
