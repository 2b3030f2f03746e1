// One container of a pod over all its runs. States: waiting → running → terminated, and back to waiting (back-off) if
// its restart policy requires it. `finished` is final: no run follows. The pod calls stop(), at any time, once.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states)
import { writeFile } from "node:fs/promises";
import type { Container } from "../../src/kubernetes/objects.ts";
import { type Clock, formatSeconds, sleep, untilAborted } from "../../src/runtime/clock.ts";
import type { Log } from "../../src/runtime/log.ts";
import { type ContainerRecord, createContainerRecord } from "./container-record.ts";
import { type ConfigProblem, isProblem } from "./environment.ts";
import { type ContainerRun, type ExecResult, executeProbe, startRun } from "./run.ts";
import type { Sandbox } from "./sandbox.ts";
import type { ContainerStatus, Terminated, Waiting } from "./status.ts";
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

/** What the states of a container share. */
interface Supervision {
  readonly clock: Clock;
  readonly log: Log;
  readonly container: Container;
  readonly options: ContainerOptions;
  readonly record: ContainerRecord;
  readonly stopping: AbortSignal;
  readonly hooked: PromiseWithResolvers<void>;
  readonly started: PromiseWithResolvers<boolean>;
  /** Set while a process runs. */
  current: { readonly sandbox: Sandbox; readonly run: ContainerRun } | undefined;
}

/** Creates a container, which waits until start(). `onChange` is called after every change of its status. */
export function createContainer(
  { clock, log, onChange }: { readonly clock: Clock; readonly log: Log; readonly onChange: () => void },
  container: Container,
  options: ContainerOptions,
): PodContainer {
  const { name, image = "" } = container;
  const stopping = new AbortController();
  const hooked = Promise.withResolvers<void>();
  const started = Promise.withResolvers<boolean>();
  const finished = Promise.withResolvers<Terminated | undefined>();
  const record = createContainerRecord({ onChange }, { name, image, logLimit: options.logLimit });
  const supervision: Supervision = {
    ...{ clock, log, container, options, record, hooked, started },
    stopping: stopping.signal,
    current: undefined,
  };
  let hasBegun = false;

  function finish(last: Terminated | undefined): void {
    hooked.resolve();
    started.resolve(false);
    finished.resolve(last);
  }

  return {
    name,
    hooked: hooked.promise,
    started: started.promise,
    finished: finished.promise,
    start() {
      if (hasBegun) return;
      hasBegun = true;
      superviseRun(supervision).then(finish, (error: unknown) => {
        log.error({ err: error, container: name }, "container cannot be run");
        record.waiting({ reason: "CreateContainerError", message: (error as Error).message });
        finish(undefined);
      });
    },
    // An init container that completed is ready and stays ready.
    status: () => record.status({ staysReady: options.restart !== "Always" }),
    logs: ({ previous = false } = {}) => record.logs({ previous }),
    exec(command, signal) {
      const { current } = supervision;
      if (current === undefined) throw new Error(`Cannot run a command in container "${name}": it does not run`);
      return executeProbe({ clock }, current.sandbox.exec(command), signal);
    },
    kill: () => supervision.current?.run.kill(),
    async stop(graceMs) {
      stopping.abort();
      if (!hasBegun) {
        hasBegun = true;
        finish(undefined);
      }
      await supervision.current?.run.stop(graceMs);
      await finished.promise;
    },
  };
}

/** Resolves with the last termination when no run follows; undefined if there was none. */
async function superviseRun(supervision: Supervision): Promise<Terminated | undefined> {
  const { clock, container, options, stopping } = supervision;
  if (!options.hasImage) {
    const message = `image "${container.image ?? ""}" is not one of this node's`;
    return waitForEver(supervision, { reason: "ErrImagePull", message });
  }
  const sandbox = await options.prepare();
  if (isProblem(sandbox)) {
    return waitForEver(supervision, { reason: "CreateContainerConfigError", message: sandbox.problem });
  }
  let last: Terminated | undefined;
  for (let quickEnds = 0; !stopping.aborted; ) {
    const startedAt = clock.now();
    const terminated = await runOnce(supervision, sandbox);
    if (terminated === undefined) break;
    last = terminated;
    if (!isRestarted(options.restart, terminated)) break;
    // A container that ran for long enough resets its back-off, as with the kubelet.
    if (clock.now() - startedAt >= 2 * options.restartBackoff.capMs) quickEnds = 0;
    await backOff(supervision, quickEnds++);
  }
  return last;
}

/** Waiting: until the container is stopped. */
async function waitForEver({ record, stopping }: Supervision, waiting: Waiting): Promise<undefined> {
  record.waiting(waiting);
  await untilAborted(stopping);
}

/**
 * Running, then terminated. Undefined if stop() came before the process was started: between the check and the start
 * there is no await.
 */
async function runOnce(supervision: Supervision, sandbox: Sandbox): Promise<Terminated | undefined> {
  const { clock, log, container, options, record, stopping, hooked, started } = supervision;
  const { terminationFile } = sandbox;
  await writeFile(terminationFile, "", { mode: 0o600 });
  if (stopping.aborted) return undefined;
  const startedAt = formatNow(clock);
  const output = record.nextOutput();
  const run = startRun(
    { clock, log },
    { ...options, container, sandbox, output },
    {
      onHooked: () => hooked.resolve(),
      onStarted() {
        started.resolve(true);
        record.started();
      },
      onReady: (ready) => record.ready(ready),
    },
  );
  supervision.current = { sandbox, run };
  record.running(startedAt);
  const exit = await run.exited;
  supervision.current = undefined;
  const policy = container["terminationMessagePolicy"] as string | undefined;
  const finishedAt = formatNow(clock);
  const terminated = await terminationOf({ exit, startedAt, finishedAt, terminationFile, policy, log: output });
  log.info({ container: container.name, exitCode: exit.exitCode, reason: terminated.reason }, "container ended");
  record.terminated(terminated);
  return terminated;
}

/** Waiting: for the next run. The first restart is immediate; the delay before later ones grows. */
async function backOff({ clock, container, options, record, stopping }: Supervision, quickEnds: number): Promise<void> {
  if (quickEnds === 0 || stopping.aborted) return;
  const { baseMs, capMs } = options.restartBackoff;
  const delayMs = Math.min(capMs, baseMs * 2 ** Math.min(quickEnds - 1, 30));
  const message = `back-off ${delayMs / 1000}s restarting failed container=${container.name}`;
  record.waiting({ reason: "CrashLoopBackOff", message });
  await sleep(clock, delayMs, stopping);
  if (stopping.aborted) record.restartCancelled();
}

function isRestarted(policy: RestartPolicy, { exitCode }: Terminated): boolean {
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function formatNow(clock: Clock): string {
  return formatSeconds(clock.now());
}
