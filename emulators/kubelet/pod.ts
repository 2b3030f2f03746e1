// One pod on the node, from its volumes to its end, in the kubelet's order: init containers one after the other (after
// a sidecar, restartPolicy: Always, the next one starts once its startup probe has passed), then the app containers.
// States: Pending → Running → Succeeded or Failed, all → stopped. stop() may come at any time; it ends the processes,
// app containers first and sidecars in reverse order, and removes the pod's directory.
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/)
import { rm } from "node:fs/promises";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { createChanges } from "../../src/runtime/changes.ts";
import { type Clock, formatSeconds } from "../../src/runtime/clock.ts";
import type { PodContainer } from "./container.ts";
import type { PlacedPod } from "./environment.ts";
import type { PodPhase, PodStatus } from "./status.ts";
import type { PodVolumes } from "./volumes.ts";

/** What a pod needs from its node. */
export interface PodDeps {
  readonly clock: Clock;
  readonly volumes: PodVolumes;
  /** Called once for every container of the spec. */
  readonly createContainer: (container: Container, onChange: () => void) => PodContainer;
}

/** The pod from start to stop(). */
export interface PodRun {
  status(): PodStatus;
  readonly containers: ReadonlyMap<string, PodContainer>;
  /** Calls `listener` after every change of the status; the returned function ends the subscription. */
  onChange(listener: () => void): () => void;
  /** Resolves when nothing of the pod runs any more. Further calls return the same promise. */
  stop(graceMs: number): Promise<void>;
}

const DEFAULT_GRACE_SECONDS = 30;
/** Grace period of a sidecar if the app containers have used up the pod's, in milliseconds. */
const SIDECAR_GRACE_MS = 2000;

/** Starts a pod in `directory`, which stop() removes. */
export function startPod(
  { clock, volumes, createContainer }: PodDeps,
  { placed, directory }: { readonly placed: PlacedPod; readonly directory: string },
): PodRun {
  const { spec } = placed.pod;
  const startTime = formatSeconds(clock.now());
  const changes = createChanges((error) => {
    throw error;
  });
  const stopped = new AbortController();
  let phase: PodPhase = "Pending";
  let message: string | undefined;
  let stopping: Promise<void> | undefined;

  const create = (container: Container) => ({ container, runner: createContainer(container, changes.emit) });
  const init = (spec.initContainers ?? []).map(create);
  const app = spec.containers.map(create);
  const sidecars = init.filter(({ container }) => isSidecar(container)).map(({ runner }) => runner);

  function become(next: PodPhase, why?: string): void {
    phase = next;
    message = why;
    changes.emit();
  }

  async function bringUp(): Promise<void> {
    const problem = await volumes.start((why) => become("Pending", why));
    if (problem) return become("Pending", problem.problem);
    become("Pending");
    for (const { container, runner } of init) {
      if (stopped.signal.aborted) return;
      runner.start();
      if (isSidecar(container)) {
        if (!(await runner.started)) return;
      } else if ((await runner.finished)?.exitCode !== 0) {
        return stopped.signal.aborted ? undefined : fail(container);
      }
    }
    for (const { runner } of app) {
      if (stopped.signal.aborted) return;
      runner.start();
      // The next container starts when this one's postStart hook is done; classic sidecars rely on that.
      await runner.hooked;
    }
    if (stopped.signal.aborted) return;
    become("Running");
    await complete();
  }

  /**
   * The failure of an init container is final only with restartPolicy Never; otherwise the container is restarted with
   * back-off.
   */
  async function fail({ name }: Container): Promise<void> {
    become("Failed", `init container "${name}" failed`);
    await stopSidecars(SIDECAR_GRACE_MS);
    volumes.stop();
  }

  async function complete(): Promise<void> {
    const ends = await Promise.all(app.map(({ runner }) => runner.finished));
    if (stopped.signal.aborted) return;
    await stopSidecars(graceOf(placed.pod));
    volumes.stop();
    become(ends.every((end) => end?.exitCode === 0) ? "Succeeded" : "Failed");
  }

  async function stopSidecars(graceMs: number): Promise<void> {
    const deadline = clock.now() + graceMs;
    for (const runner of sidecars.toReversed()) await runner.stop(Math.max(SIDECAR_GRACE_MS, deadline - clock.now()));
  }

  async function stopAll(graceMs: number): Promise<void> {
    stopped.abort();
    volumes.stop();
    const deadline = clock.now() + graceMs;
    const others = [...init, ...app].filter(({ container }) => !isSidecarOf(init, container));
    await Promise.all(others.map(({ runner }) => runner.stop(graceMs)));
    await stopSidecars(Math.max(0, deadline - clock.now()));
    await broughtUp;
    await rm(directory, { recursive: true, force: true });
    changes.emit();
  }

  const broughtUp = bringUp().catch((error: unknown) => become("Failed", (error as Error).message));
  return {
    containers: new Map([...init, ...app].map(({ runner }) => [runner.name, runner])),
    status: () => ({
      phase,
      ...(message !== undefined && { message }),
      podIP: placed.podIP,
      startTime,
      initContainerStatuses: init.map(({ runner }) => runner.status()),
      containerStatuses: app.map(({ runner }) => runner.status()),
    }),
    onChange: changes.onChange,
    stop(graceMs) {
      stopping ??= stopAll(graceMs);
      return stopping;
    },
  };
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === "Always";
}

/** App containers have no restart policy of their own, so only init containers can be sidecars. */
function isSidecarOf(init: readonly { readonly container: Container }[], container: Container): boolean {
  return isSidecar(container) && init.some((entry) => entry.container === container);
}

/** Returns the time between SIGTERM and SIGKILL for a pod, in milliseconds. */
export function graceOf({ spec }: Pod): number {
  return ((spec["terminationGracePeriodSeconds"] as number | undefined) ?? DEFAULT_GRACE_SECONDS) * 1000;
}
