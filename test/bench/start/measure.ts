// Measures one start of one pod: the time of its binding from the API server's audit log, later times from its
// containers' logs.
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import type { Kubectl } from "../../cluster/kubectl.ts";
import { BENCH_NAMESPACE, manifestOf, type StartShape } from "./shapes.ts";

const KUBELET_RELIST_MS = 1_000;

/** Milliseconds after the binding of the pod to the node. */
export interface Timeline {
  /** The app's process starts. */
  readonly app: number;
  /** podrole-sidecar answers on its ports; undefined if the pod has no sidecar. */
  readonly up: number | undefined;
  /** podrole-sidecar has credentials for every container; undefined if the pod has no sidecar. */
  readonly ready: number | undefined;
}

export function createMeasure(
  kubectl: Kubectl,
  auditLog: string,
): (shape: StartShape, name: string) => Promise<Timeline> {
  const inNamespace = (args: readonly string[], input?: string) => kubectl.ok(["-n", BENCH_NAMESPACE, ...args], input);

  async function create(shape: StartShape, name: string): Promise<void> {
    const manifest = manifestOf(shape, name);
    if (shape.change === undefined) return void (await inNamespace(["create", "-f", "-"], manifest));
    const injected = await inNamespace(["create", "--dry-run=server", "-o", "json", "-f", "-"], manifest);
    const changed = { apiVersion: "v1", kind: "Pod", ...shape.change(JSON.parse(injected) as Pod) };
    await inNamespace(["create", "-f", "-"], JSON.stringify(changed));
  }

  async function boundAt(name: string): Promise<number> {
    const lines = (await readFile(auditLog, "utf8")).split("\n");
    const line = lines.findLast((one) => one.includes('"subresource":"binding"') && one.includes(`"name":"${name}"`));
    if (line === undefined) throw new RangeError(`the audit log has no binding of ${name}`);
    return Date.parse((JSON.parse(line) as { requestReceivedTimestamp: string }).requestReceivedTimestamp);
  }

  /** Time (Unix, ms) at which podrole-sidecar logged `message`. */
  async function loggedAt(name: string, message: string): Promise<number> {
    const lines = (await inNamespace(["logs", name, "-c", "podrole-sidecar"]))
      .split("\n")
      .filter((line) => line !== "");
    const found = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find((line) => line["message"] === message);
    if (found === undefined) throw new RangeError(`podrole-sidecar of ${name} did not log "${message}"`);
    return Date.parse(String(found["time"]));
  }

  return async (shape, name) => {
    // The kubelet lists its containers once a second and noticed the previous pod's end at such a listing. Without a
    // random delay, every pod would start at the same offset from a listing.
    await setTimeout(Math.random() * KUBELET_RELIST_MS);
    await create(shape, name);
    await inNamespace(["wait", `pod/${name}`, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"]);
    const bound = await boundAt(name);
    const app = Number((await inNamespace(["logs", name, "-c", "app"])).split("\n")[0]) - bound;
    const hasSidecar = shape.role !== undefined;
    const up = hasSidecar ? (await loggedAt(name, "podrole-sidecar is up")) - bound : undefined;
    const ready = hasSidecar ? (await loggedAt(name, "credentials are ready")) - bound : undefined;
    await inNamespace(["delete", "pod", name, "--wait=false"]);
    return { app, up, ready };
  };
}
