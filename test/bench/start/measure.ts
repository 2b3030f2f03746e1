// Measures the start of one pod, or of several at once: the time of a binding from the API server's audit log, later
// times from the containers' logs.
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Kubectl } from "../../cluster/kubectl.ts";
import type { KernelEvent, KernelTrace } from "./kernel-trace.ts";
import { manifestOf, namespaceOfShape, type StartShape } from "./shapes.ts";

const KUBELET_RELIST_MS = 1_000;

/** Milliseconds after the binding of the pod to the node. */
export interface Timeline {
  /** The app's process starts. */
  readonly app: number;
  /** podrole-sidecar answers on its ports; undefined if the pod has no sidecar. */
  readonly up: number | undefined;
  /** podrole-sidecar has credentials for every container; undefined if the pod has no sidecar. */
  readonly ready: number | undefined;
  /** With a trace: events from the binding to the app's end; `atMs` in ms after the binding. */
  readonly events?: readonly KernelEvent[];
}

/** Measures starts on the cluster of `kubectl`. */
export interface StartMeasure {
  /** Starts one pod. */
  one(shape: StartShape, name: string): Promise<Timeline>;
  /** Starts all pods at once; resolves with the ms from the first binding to the start of the last app. */
  together(shape: StartShape, names: readonly string[]): Promise<number>;
}

/** `auditLog`: the API server's audit log, as a file. */
export function createStartMeasure(kubectl: Kubectl, auditLog: string, trace?: KernelTrace): StartMeasure {
  const inNamespace = (shape: StartShape, args: readonly string[], input?: string) =>
    kubectl.ok(["-n", namespaceOfShape(shape), ...args], input);

  async function untilEnded(shape: StartShape, names: readonly string[]): Promise<void> {
    const pods = names.map((name) => `pod/${name}`);
    await inNamespace(shape, ["wait", ...pods, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=300s"]);
  }

  async function boundAt(name: string): Promise<number> {
    const lines = (await readFile(auditLog, "utf8")).split("\n");
    const line = lines.findLast((one) => one.includes('"subresource":"binding"') && one.includes(`"name":"${name}"`));
    if (line === undefined) throw new RangeError(`the audit log has no binding of ${name}`);
    return Date.parse((JSON.parse(line) as { requestReceivedTimestamp: string }).requestReceivedTimestamp);
  }

  async function appStartedAt(shape: StartShape, name: string): Promise<number> {
    return Number((await inNamespace(shape, ["logs", name, "-c", "app"])).split("\n")[0]);
  }

  /** Times (Unix, ms) at which podrole-sidecar listened, and had credentials. */
  async function sidecarTimes(shape: StartShape, name: string): Promise<Readonly<Record<"up" | "ready", number>>> {
    const lines = (await inNamespace(shape, ["logs", name, "-c", "podrole-sidecar"]))
      .split("\n")
      .filter((line) => line !== "");
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const timeOf = (message: string) => {
      const found = logged.find((line) => line["message"] === message);
      if (found === undefined) throw new RangeError(`podrole-sidecar of ${name} did not log "${message}"`);
      return Date.parse(String(found["time"]));
    };
    const up = timeOf("podrole-sidecar is up");
    // It logs when it receives credentials; if it finds some at its start, it is ready with its ports.
    const isReady = logged.some((line) => line["message"] === "podrole-sidecar is up" && line["ready"] === true);
    return { up, ready: isReady ? up : timeOf("credentials are ready") };
  }

  /** The kubelet lists its containers once a second and noticed the previous pod's end at such a listing. */
  const untilRandomOffset = () => setTimeout(Math.random() * KUBELET_RELIST_MS);

  return {
    async one(shape, name) {
      await untilRandomOffset();
      trace?.clear();
      await inNamespace(shape, ["create", "-f", "-"], manifestOf(shape, name));
      await untilEnded(shape, [name]);
      const recorded = trace?.read();
      const bound = await boundAt(name);
      const app = (await appStartedAt(shape, name)) - bound;
      const sidecar = shape.role === undefined ? undefined : await sidecarTimes(shape, name);
      const [up, ready] = sidecar ? [sidecar.up - bound, sidecar.ready - bound] : [];
      await inNamespace(shape, ["delete", "pod", name, "--wait=false"]);
      return { app, up, ready, ...(recorded && { events: eventsAfter(bound, recorded) }) };
    },

    async together(shape, names) {
      await untilRandomOffset();
      const items = names.map((name) => JSON.parse(manifestOf(shape, name)) as unknown);
      await inNamespace(shape, ["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
      await untilEnded(shape, names);
      const bound = await Promise.all(names.map(boundAt));
      const apps = await Promise.all(names.map((name) => appStartedAt(shape, name)));
      await inNamespace(shape, ["delete", "pod", ...names, "--wait=true"]);
      return Math.max(...apps) - Math.min(...bound);
    },
  };
}

/** Returns the events after the binding, with times in ms after it. */
function eventsAfter(bound: number, recorded: readonly KernelEvent[]): readonly KernelEvent[] {
  return recorded
    .filter(({ atMs }) => atMs >= bound)
    .map(({ atMs, task, pid, name, fields }) => ({ atMs: atMs - bound, task, pid, name, fields }));
}
