// One container of a pod over all its runs. States: waiting → running → terminated, and back to waiting (back-off) if
// its restart policy requires it. `finished` is final: no run follows. The pod calls stop(), at any time, once.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states)
import { writeFile } from "node:fs/promises";
import type { Container } from "../../src/kubernetes/objects.ts";
import { type Clock, sleep, untilAborted } from "../../src/runtime/clock.ts";
import type { Log } from "../../src/runtime/log.ts";
import { type ConfigProblem, isProblem } from "./environment.ts";
import { createLogBuffer, type LogBuffer } from "./log-buffer.ts";
import { type ExecResult, execute, type Run, startRun } from "./run.ts";
import type { Sandbox } from "./sandbox.ts";
import type { ContainerState, ContainerStatus, Terminated, Waiting } from "./status.ts";
import { terminationOf } from "./termination.ts";

/** When a container is started again after its end. */
export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** What a container needs to run, with delays in milliseconds. */
export interface ContainerOptions {
  readonly restart: RestartPolicy;
  /** Called once, before the first run. */
  readonly prepare: () => Promise<Sandbox | ConfigProblem>;
  /** False: the container waits for ever, like one whose image cannot be pulled. */
  readonly hasImage: boolean;
  readonly restartBackoff: { readonly baseMs: number; readonly capMs: number };
  readonly logLimit: number;
  readonly graceMs: number;
  readonly startupPeriodMs: number | undefined;
}

/** One container of a pod, over all its runs. */
export interface PodContainer {
  readonly name: string;
  start(): void;
  /** Resolves when the first run's postStart hook is done, or the container has finished. */
  readonly hooked: Promise<void>;
  /**
   * Resolves with true when the startup probe has passed for the first time, with false if the container finished
   * before.
   */
  readonly started: Promise<boolean>;
  /** Resolves with the last termination; undefined if it was stopped before it ran. */
  readonly finished: Promise<Terminated | undefined>;
  status(): ContainerStatus;
  logs(options?: { readonly previous?: boolean }): string;
  exec(command: readonly string[], signal: AbortSignal): Promise<ExecResult>;
  /** Kills the running process; the restart policy decides what follows. */
  kill(): void;
  stop(graceMs: number): Promise<void>;
}

/** Creates a container, which waits until start(). `onChange` is called after every change of its status. */
export function createContainer(
  { clock, log, onChange }: { readonly clock: Clock; readonly log: Log; readonly onChange: () => void },
  container: Container,
  options: ContainerOptions,
): PodContainer {
  const stopping = new AbortController();
  const hooked = Promise.withResolvers<void>();
  const started = Promise.withResolvers<boolean>();
  const finished = Promise.withResolvers<Terminated | undefined>();
  let state: ContainerState = { waiting: { reason: "PodInitializing" } };
  let lastState: { readonly terminated: Terminated } | undefined;
  let isStarted = false;
  let isReady = false;
  let restartCount = 0;
  let output = createLogBuffer(options.logLimit);
  let previousOutput: LogBuffer | undefined;
  let sandbox: Sandbox | undefined;
  let run: Run | undefined;
  let begun = false;

  function change(next: ContainerState): void {
    state = next;
    onChange();
  }

  function wait(waiting: Waiting): Promise<void> {
    change({ waiting });
    return untilAborted(stopping.signal);
  }

  async function supervise(): Promise<Terminated | undefined> {
    if (!options.hasImage) {
      await wait({ reason: "ErrImagePull", message: `image "${container.image ?? ""}" is not one of this node's` });
      return undefined;
    }
    const prepared = await options.prepare();
    if (isProblem(prepared)) {
      await wait({ reason: "CreateContainerConfigError", message: prepared.problem });
      return undefined;
    }
    sandbox = prepared;
    let ended: Terminated | undefined;
    for (let quickEnds = 0; !stopping.signal.aborted; ) {
      const startedAt = clock.now();
      const termination = await runOnce(prepared);
      if (termination === undefined) break;
      ended = termination;
      if (!restarts(options.restart, ended)) break;
      // A container that ran for long enough resets its back-off, as with the kubelet.
      if (clock.now() - startedAt >= 2 * options.restartBackoff.capMs) quickEnds = 0;
      await pause(quickEnds++);
    }
    return ended;
  }

  /** Undefined if stop() was called before the process started. No await may stand between the check of `stopping` and the start, or a stop() could be lost. */
  async function runOnce(prepared: Sandbox): Promise<Terminated | undefined> {
    await writeFile(prepared.terminationFile, "", { mode: 0o600 });
    if (stopping.signal.aborted) return undefined;
    const startedAt = timestamp(clock);
    if (lastState !== undefined) {
      previousOutput = output;
      output = createLogBuffer(options.logLimit);
      restartCount += 1;
    }
    const settings = { ...options, container, sandbox: prepared, output };
    run = startRun({ clock, log }, settings, {
      onHooked: hooked.resolve,
      onStarted() {
        isStarted = true;
        started.resolve(true);
        onChange();
      },
      onReady(ready) {
        isReady = ready;
        onChange();
      },
    });
    change({ running: { startedAt } });
    const exit = await run.exited;
    run = undefined;
    isStarted = false;
    isReady = false;
    const { terminationFile } = prepared;
    const policy = container["terminationMessagePolicy"] as string | undefined;
    const finishedAt = timestamp(clock);
    const terminated = await terminationOf({ exit, startedAt, finishedAt, terminationFile, policy, log: output });
    log.info({ container: container.name, exitCode: exit.exitCode, reason: terminated.reason }, "container ended");
    lastState = { terminated };
    change({ terminated });
    return terminated;
  }

  /** The first restart is immediate; the delay before later ones grows. */
  async function pause(quickEnds: number): Promise<void> {
    if (quickEnds === 0 || stopping.signal.aborted) return;
    const { baseMs, capMs } = options.restartBackoff;
    const delayMs = Math.min(capMs, baseMs * 2 ** Math.min(quickEnds - 1, 30));
    const message = `back-off ${delayMs / 1000}s restarting failed container=${container.name}`;
    change({ waiting: { reason: "CrashLoopBackOff", message } });
    await sleep(clock, delayMs, stopping.signal);
    if (stopping.signal.aborted && lastState) change(lastState);
  }

  return {
    name: container.name,
    hooked: hooked.promise,
    started: started.promise,
    finished: finished.promise,
    start() {
      if (begun) return;
      begun = true;
      const end = (last: Terminated | undefined) => {
        hooked.resolve();
        started.resolve(false);
        finished.resolve(last);
      };
      supervise().then(end, (error: unknown) => {
        log.error({ err: error, container: container.name }, "container cannot be run");
        change({ waiting: { reason: "CreateContainerError", message: (error as Error).message } });
        end(undefined);
      });
    },
    status: () => ({
      name: container.name,
      image: container.image ?? "",
      state,
      ...(lastState && !("terminated" in state) && { lastState }),
      started: isStarted,
      // An init container that completed is ready and stays ready.
      ready: isReady || ("terminated" in state && state.terminated.exitCode === 0 && options.restart !== "Always"),
      restartCount,
    }),
    logs: ({ previous = false } = {}) => (previous ? previousOutput : output)?.text() ?? "",
    exec(command, signal) {
      if (sandbox === undefined || run === undefined) {
        throw new TypeError(`Cannot run a command in container "${container.name}": it does not run`);
      }
      return execute({ clock }, sandbox.exec(command), signal);
    },
    kill: () => run?.kill(),
    async stop(graceMs) {
      stopping.abort();
      if (!begun) {
        begun = true;
        hooked.resolve();
        started.resolve(false);
        finished.resolve(undefined);
      }
      await run?.stop(graceMs);
      await finished.promise;
    },
  };
}

function restarts(policy: RestartPolicy, { exitCode }: Terminated): boolean {
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/\.\d{3}/, "");
}
