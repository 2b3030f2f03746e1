// One start of one pod: when it was bound by the API server's audit log, and what its containers wrote when.
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import type { Kubectl } from "../../cluster/kubectl.ts";
import { manifestOf, type Shape, NAMESPACE } from "./shapes.ts";

const KUBELET_LISTS_EVERY_MS = 1_000;

/** Milliseconds after the binding of the pod to the node. */
export interface Timeline {
  /** The app's process starts. */
  readonly app: number;
  /** podrole-sidecar answers on its ports, and has credentials for every container; undefined: the pod has none. */
  readonly up: number | undefined;
  readonly ready: number | undefined;
}

export function createMeasure(kubectl: Kubectl, auditLog: string): (shape: Shape, name: string) => Promise<Timeline> {
  const inNamespace = (words: readonly string[], input?: string) => kubectl.ok(["-n", NAMESPACE, ...words], input);

  async function create(shape: Shape, name: string): Promise<void> {
    const asked = manifestOf(shape, name);
    if (shape.change === undefined) return void (await inNamespace(["create", "-f", "-"], asked));
    const injected = await inNamespace(["create", "--dry-run=server", "-o", "json", "-f", "-"], asked);
    const changed = { apiVersion: "v1", kind: "Pod", ...shape.change(JSON.parse(injected) as Pod) };
    await inNamespace(["create", "-f", "-"], JSON.stringify(changed));
  }

  async function boundAt(name: string): Promise<number> {
    const lines = (await readFile(auditLog, "utf8")).split("\n");
    const line = lines.findLast((one) => one.includes('"subresource":"binding"') && one.includes(`"name":"${name}"`));
    if (line === undefined) throw new RangeError(`the audit log has no binding of ${name}`);
    return Date.parse((JSON.parse(line) as { requestReceivedTimestamp: string }).requestReceivedTimestamp);
  }

  /** When podrole-sidecar said this. */
  async function saidAt(name: string, message: string): Promise<number> {
    const lines = (await inNamespace(["logs", name, "-c", "podrole-sidecar"]))
      .split("\n")
      .filter((line) => line !== "");
    const found = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find((line) => line["message"] === message);
    if (found === undefined) throw new RangeError(`podrole-sidecar of ${name} did not say "${message}"`);
    return Date.parse(String(found["time"]));
  }

  return async (shape, name) => {
    // The kubelet lists its containers each second, and the end of the pod before was seen at such a moment: without
    // this, every pod would begin at the same distance from it.
    await setTimeout(Math.random() * KUBELET_LISTS_EVERY_MS);
    await create(shape, name);
    await inNamespace(["wait", `pod/${name}`, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"]);
    const bound = await boundAt(name);
    const app = Number((await inNamespace(["logs", name, "-c", "app"])).split("\n")[0]) - bound;
    const has = shape.role !== undefined;
    const up = has ? (await saidAt(name, "podrole-sidecar is up")) - bound : undefined;
    const ready = has ? (await saidAt(name, "credentials are ready")) - bound : undefined;
    await inNamespace(["delete", "pod", name, "--wait=false"]);
    return { app, up, ready };
  };
}
