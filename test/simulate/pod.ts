// One pod from its admission to its end: its sidecar, which the kubelet restarts, the hook or probe that holds back the
// app, and the app's requests.
// States of the container: started → ended (by itself, by the kubelet when the hook fails or the probe finds it stuck,
// or killed) → started again after a back-off of 10 s, doubling to 5 min, and reset after 10 min; removed with the pod.
// States of the app: held back → running, until the pod is removed.
import { fieldsOf, HEALTH_OFFSET, sendRequest } from "./app-requests.ts";
import type { PodPlan } from "./pod-plan.ts";
import type { Outside } from "./programs.ts";
import { between } from "./random.ts";
import { startServeFor } from "./sidecar.ts";
import { currentWorld } from "./surroundings.ts";
import { createProgram, type Program, type Timeline } from "./timeline.ts";

/** An app's request, and what came of it. */
export interface AppAnswer {
  readonly pod: SimulatedPod;
  /** "OK", or the code of the refusal; "NO_ANSWER" without a sidecar. */
  readonly code: string;
  readonly accessKeyId: string | undefined;
  /** Expiration by the node's clock, Unix milliseconds. */
  readonly expiresAt: number | undefined;
}

/** A pod. */
export interface SimulatedPod {
  readonly plan: PodPlan;
  /** Milliseconds of the timeline. */
  readonly createdAt: number;
  /** Its sidecar's container; undefined while the kubelet waits to start it. */
  program(): Program | undefined;
  /** When the present container started, or when the next one will. */
  readonly startedAt: number;
  readonly isAppRunning: boolean;
  readonly restarts: number;
  /** Code of the last answer to the app. */
  readonly lastCode: string;
  /** Requests credentials once more, between two requests of the app. */
  ask(onCode: (code: string) => void): void;
  /** Kills the sidecar, as the kernel does when memory runs out. */
  killSidecar(): void;
  remove(): void;
}

const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;
const RESET_AFTER_MS = 600_000;
/** While requests succeed, an app asks again only this often. */
const REQUEST_EACH_MS = 900_000;
/** After a failure: SDKs try a few times within seconds, and the app goes on trying. */
const RETRIES_MS = [1_000, 2_000, 4_000, 15_000, 30_000, 60_000] as const;
const STUCK_CHECKS = 3;

/** Starts the pod on its node. */
export function startPod(outside: Outside, plan: PodPlan, onAnswer: (answer: AppAnswer) => void): SimulatedPod {
  const { timeline } = outside;
  const directory = `/pods/${plan.owner.uid}`;
  let program: Program | undefined;
  let stop = () => {};
  let isRemoved = false;
  let backoffMs = FIRST_BACKOFF_MS;
  let failures = 0;
  let stuck = 0;

  const pod = {
    plan,
    createdAt: timeline.now(),
    program: () => program,
    startedAt: timeline.now(),
    isAppRunning: false,
    restarts: 0,
    lastCode: "",
    ask,
    killSidecar() {
      if (!program?.isAlive()) return;
      program.kill();
      ended();
    },
    remove() {
      isRemoved = true;
      stop();
      program?.kill();
      closePorts(plan.port);
      currentWorld().hosts.delete(plan.owner.uid);
      currentWorld().volumes.clear(`${directory}/`);
    },
  };

  function start(): void {
    if (isRemoved) return;
    pod.startedAt = timeline.now();
    const current = createProgram(timeline, `${plan.owner.name}#${pod.restarts}`, plan.node.offsetMs);
    program = current;
    const sidecar = startServeFor(outside, plan, current, {
      onEnd() {
        if (!current.isAlive()) return;
        current.kill();
        ended();
      },
      onReady() {
        if (!current.isAlive() || pod.isAppRunning) return;
        pod.isAppRunning = true;
        timeline.after(between(0, 1_000), request);
      },
    });
    stop = sidecar.stop;
  }

  function ended(): void {
    program = undefined;
    closePorts(plan.port);
    if (isRemoved) return;
    if (timeline.now() - pod.startedAt > RESET_AFTER_MS) backoffMs = FIRST_BACKOFF_MS;
    const waitMs = backoffMs;
    backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS);
    pod.restarts += 1;
    pod.startedAt = timeline.now() + waitMs;
    timeline.after(waitMs, start);
  }

  function request(): void {
    if (!isRemoved) ask(answered);
  }

  /** Requests credentials as the app does, with the content of its token file. */
  function ask(onCode: (code: string, accessKeyId?: string, expiration?: string) => void): void {
    if (program === undefined || program.isPaused()) return onCode("NO_ANSWER");
    const token = currentWorld().volumes.read(`${directory}/tokens/app/token`);
    sendRequest(plan.port, "/v1/credentials", token, (answer) => {
      if (answer === undefined) return onCode("NO_ANSWER");
      const body = fieldsOf(answer);
      onCode(answer.status === 200 ? "OK" : (body["code"] ?? ""), body["AccessKeyId"], body["Expiration"]);
    });
  }

  function answered(code: string, accessKeyId?: string, expiration?: string): void {
    if (isRemoved) return;
    pod.lastCode = code;
    onAnswer({ pod, code, accessKeyId, expiresAt: expiration === undefined ? undefined : Date.parse(expiration) });
    failures = code === "OK" ? 0 : failures + 1;
    const waitMs = code === "OK" ? REQUEST_EACH_MS : (RETRIES_MS[Math.min(failures, RETRIES_MS.length) - 1] ?? 0);
    timeline.afterAbout(waitMs * (0.8 + 0.4 * Math.random()), request);
    if (code === "OK") checkLiveness();
  }

  /** The kubelet's livenessProbe, at a longer interval than in the manifests. */
  function checkLiveness(): void {
    sendRequest(plan.port + HEALTH_OFFSET, "/healthz", undefined, (answer) => {
      stuck = answer?.status === 503 ? stuck + 1 : 0;
      if (stuck >= STUCK_CHECKS) pod.killSidecar();
    });
  }

  start();
  return pod;
}

function closePorts(port: number): void {
  currentWorld().podServers.delete(port);
  currentWorld().podServers.delete(port + HEALTH_OFFSET);
}

/** True while the kubelet waits to start the pod's container. */
export function isInBackoff(pod: SimulatedPod, timeline: Timeline): boolean {
  return pod.program() === undefined && pod.startedAt > timeline.now();
}
