// Probes as the kubelet runs them. The pod's address is this host's loopback. States of one probe: delayed → probing,
// until the caller needs no more verdicts or the signal ends it.
// (https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/)
import { request } from "node:http";
import { connect } from "node:net";
import { type Clock, sleep } from "../../src/runtime/clock.ts";

/** A probe as in the pod spec. */
export interface Probe {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number | string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string };
  readonly exec?: { readonly command: readonly string[] };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** Host of every pod of this node. */
export const POD_HOST = "127.0.0.1";

/** The environment in which a probe runs. */
export interface ProbeDeps {
  readonly clock: Clock;
  /** Runs a command inside the container; resolves with whether it exited with 0. */
  readonly exec: (command: readonly string[], signal: AbortSignal) => Promise<boolean>;
  /** Resolves a port that the container names to its number. */
  readonly portOf: (port: number | string) => number;
}

/**
 * Probes until `onVerdict` returns false or `signal` aborts. Reports a verdict after `successThreshold` or
 * `failureThreshold` equal results in a row. `periodMs` replaces the spec's period; the failure threshold is then
 * scaled so that the total time until failure stays the same.
 */
export async function runProbe(
  deps: ProbeDeps,
  {
    probe,
    periodMs,
    signal,
    onVerdict,
  }: {
    readonly probe: Probe;
    readonly periodMs?: number | undefined;
    readonly signal: AbortSignal;
    readonly onVerdict: (passed: boolean) => boolean;
  },
): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  const period = periodMs ?? periodSeconds * 1000;
  const failures = Math.ceil((failureThreshold * periodSeconds * 1000) / period);
  let wasPassed: boolean | undefined;
  let inARow = 0;
  await sleep(deps.clock, initialDelaySeconds * 1000, signal);
  while (!signal.aborted) {
    const isPassed = await probeOnce(deps, probe, signal);
    inARow = isPassed === wasPassed ? inARow + 1 : 1;
    wasPassed = isPassed;
    if (signal.aborted) return;
    if (inARow >= (isPassed ? successThreshold : failures) && !onVerdict(isPassed)) return;
    await sleep(deps.clock, period, signal);
  }
}

async function probeOnce({ clock, exec, portOf }: ProbeDeps, probe: Probe, ended: AbortSignal): Promise<boolean> {
  const late = new AbortController();
  const cancel = clock.schedule(() => late.abort(), (probe.timeoutSeconds ?? 1) * 1000);
  const signal = AbortSignal.any([late.signal, ended]);
  try {
    if (probe.httpGet) return await httpGet(probe.httpGet, portOf(probe.httpGet.port), signal);
    if (probe.tcpSocket) return await tcpConnect(portOf(probe.tcpSocket.port), signal);
    return probe.exec !== undefined && (await exec(probe.exec.command, signal));
  } finally {
    cancel();
  }
}

/** Any status from 200 to 399 passes. */
export function httpGet(
  { path = "/", httpHeaders = [] }: NonNullable<Probe["httpGet"]>,
  port: number,
  signal: AbortSignal,
): Promise<boolean> {
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  return new Promise((resolve) => {
    // A connection of its own, so that none stays open to a process that is about to end.
    const outgoing = request({ host: POD_HOST, port, path, headers, signal, agent: false }, (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400);
    });
    outgoing.on("error", () => resolve(false));
    outgoing.end();
  });
}

function tcpConnect(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: POD_HOST, port, signal });
    const done = (passed: boolean) => {
      socket.destroy();
      resolve(passed);
    };
    socket.once("connect", () => done(true));
    socket.on("error", () => done(false));
  });
}
