// One run of a container: its process with hooks and probes.
// States: starting (postStart hook) → probing (startup probe) → up (liveness and readiness probes) → ended. A failed
// hook, a failed startup or liveness probe, and stop() all end it the same way: SIGTERM, then SIGKILL after the grace
// period.
// (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/)

import type { Container } from "../../src/kubernetes/objects.ts";
import { type Clock, sleep } from "../../src/runtime/clock.ts";
import type { Log } from "../../src/runtime/log.ts";
import { createLogBuffer, type LogBuffer } from "./log-buffer.ts";
import { httpGet, type Probe, runProbe } from "./probe.ts";
import { type ProcessExit, type ProcessSpec, startProcess } from "./process.ts";
import type { Sandbox } from "./sandbox.ts";

/** Process, hooks, probes and grace period of a run. */
export interface RunSettings {
  readonly container: Container;
  readonly sandbox: Sandbox;
  readonly output: LogBuffer;
  /** Time between SIGTERM and SIGKILL if a probe or a hook fails, in milliseconds. */
  readonly graceMs: number;
  readonly startupPeriodMs: number | undefined;
}

/** Each is called at most once, except onReady, which is called at each change of readiness. */
export interface RunEvents {
  /** The postStart hook is done, or there is none. */
  onHooked(): void;
  /** The startup probe has passed, or there is none. */
  onStarted(): void;
  onReady(isReady: boolean): void;
}

/** A run of a container, until it has exited. */
export interface ContainerRun {
  readonly exited: Promise<ProcessExit>;
  /** Sends SIGKILL, as the kernel does when the container has used up its memory. */
  kill(): void;
  stop(graceMs: number): Promise<void>;
}

/** The outcome of a command inside a container. */
export interface ExecResult {
  readonly exitCode: number;
  /** stdout and stderr in the order of arrival. */
  readonly output: string;
}

interface Hook {
  readonly exec?: { readonly command: readonly string[] };
  readonly httpGet?: NonNullable<Probe["httpGet"]>;
  readonly sleep?: { readonly seconds: number };
}

const MAX_EXEC_OUTPUT_BYTES = 256 * 1024;

/** Starts a run. Events follow after this function has returned. */
export function startRun(
  { clock, log }: { clock: Clock; log: Log },
  settings: RunSettings,
  events: RunEvents,
): ContainerRun {
  const { container, sandbox, output, startupPeriodMs } = settings;
  const process = startProcess({ clock }, sandbox.main, (chunk) => output.append(chunk));
  const ended = new AbortController();
  const exited = process.exited.finally(() => ended.abort());
  const { startupProbe, livenessProbe, readinessProbe, lifecycle } = container as Record<string, unknown> as {
    readonly [name in "startupProbe" | "livenessProbe" | "readinessProbe"]?: Probe;
  } & { readonly lifecycle?: { readonly postStart?: Hook; readonly preStop?: Hook } };
  const probeDeps = {
    clock,
    portOf: (port: number | string) => portOf(container, port),
    exec: async (command: readonly string[], signal: AbortSignal) =>
      (await executeProbe({ clock }, sandbox.exec(command), signal)).exitCode === 0,
  };

  async function bringUp(): Promise<void> {
    if (lifecycle?.postStart && !(await runHook(lifecycle.postStart, ended.signal))) return giveUp("postStart hook");
    if (ended.signal.aborted) return;
    events.onHooked();
    if (startupProbe && !(await verdict(startupProbe))) return giveUp("startup probe");
    if (ended.signal.aborted) return;
    events.onStarted();
    if (!readinessProbe) events.onReady(true);
    await Promise.all([keepAsking(readinessProbe), watchLife(livenessProbe)]);
  }

  async function verdict(probe: Probe): Promise<boolean> {
    let result = false;
    const onVerdict = (passed: boolean) => {
      result = passed;
      return false;
    };
    await runProbe(probeDeps, { probe, periodMs: startupPeriodMs, signal: ended.signal, onVerdict });
    return result;
  }

  async function keepAsking(probe: Probe | undefined): Promise<void> {
    const onVerdict = (hasPassed: boolean) => {
      events.onReady(hasPassed);
      return true;
    };
    if (probe) await runProbe(probeDeps, { probe, signal: ended.signal, onVerdict });
  }

  async function watchLife(probe: Probe | undefined): Promise<void> {
    if (probe === undefined) return;
    await runProbe(probeDeps, { probe, signal: ended.signal, onVerdict: (passed) => passed });
    await giveUp("liveness probe");
  }

  async function giveUp(what: string): Promise<void> {
    if (ended.signal.aborted) return;
    log.warn({ container: container.name, failed: what }, "container is stopped");
    await terminate(settings.graceMs);
  }

  async function terminate(graceMs: number): Promise<void> {
    process.signal("SIGTERM");
    const cancel = clock.schedule(() => process.signal("SIGKILL"), graceMs);
    await exited;
    cancel();
  }

  async function runHook(hook: Hook, signal: AbortSignal): Promise<boolean> {
    if (hook.exec) return probeDeps.exec(hook.exec.command, signal);
    if (hook.httpGet) return httpGet(hook.httpGet, probeDeps.portOf(hook.httpGet.port), signal);
    await sleep(clock, (hook.sleep?.seconds ?? 0) * 1000, signal);
    return true;
  }

  // Deferred, so that the caller has the run before its first event.
  queueMicrotask(() => void bringUp());
  return {
    exited,
    kill: () => process.signal("SIGKILL"),
    async stop(graceMs) {
      const deadline = clock.now() + graceMs;
      if (lifecycle?.preStop && !ended.signal.aborted) {
        const late = new AbortController();
        const cancel = clock.schedule(() => late.abort(), graceMs);
        await runHook(lifecycle.preStop, AbortSignal.any([late.signal, ended.signal]));
        cancel();
      }
      await terminate(Math.max(0, deadline - clock.now()));
    },
  };
}

/** Runs a command to its end; `signal` kills it. */
export async function executeProbe(
  { clock }: { readonly clock: Clock },
  spec: ProcessSpec,
  signal: AbortSignal,
): Promise<ExecResult> {
  const output = createLogBuffer(MAX_EXEC_OUTPUT_BYTES);
  const process = startProcess({ clock }, spec, (chunk) => output.append(chunk));
  const kill = () => process.signal("SIGKILL");
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  const { exitCode, startError } = await process.exited;
  signal.removeEventListener("abort", kill);
  return { exitCode, output: startError ?? output.text() };
}

function portOf({ ports = [] }: Container, port: number | string): number {
  const named = ports.find(({ name }) => name === port);
  return named?.containerPort ?? Number(port);
}
