// A thread of sidecars for bench:overload. Receives its pods as workerData and a task in each message, and answers each
// with a report. A sidecar makes one call at a time, on a connection of its own, from an address of its own, and waits
// after a failure as podrole-sidecar does.
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { parentPort, workerData } from "node:worker_threads";
import { createCsr } from "../../../src/pki/csr.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import {
  type ClientIdentity,
  getCredentials,
  requestCertificate,
  type ServerEndpoint,
} from "../../../src/protocol/client.ts";
import { toPodroleError } from "../../../src/protocol/errors.ts";
import type { Grant } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { failedRenewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createPace } from "../../../src/sidecar/renewal/pace.ts";
import type { CrowdTask, SidecarCall, ThreadCounts, ThreadPod, ThreadReport } from "./tasks.ts";

/** As of a sidecar's call. */
const DEADLINE_MS = 15_000;
/** Sidecars whose credentials have expired renew when an app requests them, which apps do not do all at once. */
const SPREAD_MS = 2_500;
const TICK_MS = 5;

const pods = workerData as readonly ThreadPod[];
const identities = new Map<ThreadPod, ClientIdentity>();
const privateKey = generateKeyPem();
const csr = createCsr(privateKey, "sidecar");

/** The server shares its room by address. */
function useManyAddresses(): void {
  const part = (size: number) => 1 + Math.floor(Math.random() * size);
  subscribe("net.client.socket", (message) => {
    const { socket } = message as { readonly socket: Socket };
    const connect = socket.connect.bind(socket) as (...args: readonly unknown[]) => Socket;
    Object.assign(socket, {
      connect(...args: readonly unknown[]) {
        const [[options]] = args as readonly [readonly [{ localAddress?: string }]];
        options.localAddress = `127.${part(250)}.${part(250)}.${part(250)}`;
        return connect(...args);
      },
    });
  });
}

/**
 * A sidecar makes a context for each call, in a process of its own. Here it would keep the threads from offering more
 * than the server can do, so one serves all calls of a certificate, and one all calls without.
 */
function reuseContexts(): void {
  const contexts = new Map<string, tls.SecureContext>();
  const create = tls.createSecureContext;
  Object.assign(tls, {
    createSecureContext(options: tls.SecureContextOptions) {
      const key = String(options.cert ?? options.ca);
      const context = contexts.get(key) ?? create(options);
      contexts.set(key, context);
      return context;
    },
  });
}

function endpointOf({ serverName, bundlePem }: ThreadPod, address: string): ServerEndpoint {
  return { address, serverName, bundlePem };
}

function verifyGranted(grants: readonly Grant[]): void {
  const result = grants[0]?.result;
  if (result?.$case === "credentials") return;
  throw new RangeError(`the server returned no credentials: ${JSON.stringify(result)}`);
}

/** Makes one call; rejects if it brings no credentials. */
async function callServer(call: SidecarCall, pod: ThreadPod, address: string): Promise<void> {
  const endpoint = endpointOf(pod, address);
  const request = { containers: ["app"], bundleHash: "" };
  const identity = identities.get(pod);
  if (call === "certificate") {
    const input = { token: new Secret(pod.token), csr, ...request };
    verifyGranted((await requestCertificate(endpoint, input, DEADLINE_MS)).grants);
  } else if (identity) {
    verifyGranted((await getCredentials(endpoint, identity, request, DEADLINE_MS)).grants);
  } else {
    throw new RangeError(`pod ${pod.name} has no certificate`);
  }
}

async function proveOne(pod: ThreadPod, address: string): Promise<void> {
  const input = { token: new Secret(pod.token), csr, bundleHash: "" };
  const { certificate } = await requestCertificate(endpointOf(pod, address), input, DEADLINE_MS);
  identities.set(pod, { privateKey, certificatePem: certificate });
}

/** Repeats a call at the sidecar's pace until it succeeds; resolves with the number of attempts. */
async function repeatUntilServed(call: () => Promise<void>): Promise<number> {
  const pace = createPace({ clock, random: Math.random });
  for (let attempts = 1; ; attempts++) {
    pace.begin();
    try {
      await call();
      return attempts;
    } catch (error) {
      const { code, message, retryAfterMs } = toPodroleError(error);
      const waits = pace.end(failedRenewal({ code, message }, retryAfterMs), { isReady: true });
      await sleep(waits?.urgentMs ?? 0);
    }
  }
}

/** Runs `work` for each pod, `callers` at a time. */
async function forEachPod(callers: number, work: (pod: ThreadPod) => Promise<void>): Promise<void> {
  let next = 0;
  async function caller(): Promise<void> {
    for (let pod = pods[next++]; pod; pod = pods[next++]) await work(pod);
  }
  await Promise.all(Array.from({ length: callers }, caller));
}

type Counts = Pick<ThreadCounts, "calls" | "served" | "servedInTime" | "late" | "closed" | "refused">;
const NOTHING: Counts = { calls: 0, served: 0, servedInTime: 0, late: 0, closed: 0, refused: 0 };

async function measure({ call, address, callers, ms }: CrowdTask & { kind: "measure" }): Promise<Counts> {
  const from = performance.now();
  let calls = 0;
  let turn = 0;
  async function caller(): Promise<void> {
    while (performance.now() - from < ms) {
      const pod = pods[turn++ % pods.length];
      if (pod) await repeatUntilServed(() => callServer(call, pod, address));
      calls += 1;
    }
  }
  await Promise.all(Array.from({ length: callers }, caller));
  return { ...NOTHING, calls, served: calls };
}

function howItFailed({ message }: Error): "late" | "closed" | "refused" {
  if (message.includes("no response within the deadline")) return "late";
  return message.includes("closed the connection") ? "closed" : "refused";
}

async function offer({ call, address, perSecond, seconds }: CrowdTask & { kind: "offer" }): Promise<Counts> {
  const counts = { ...NOTHING };
  const pending = new Set<Promise<void>>();
  const from = performance.now();
  async function callOnce(pod: ThreadPod): Promise<void> {
    try {
      await callServer(call, pod, address);
      counts.served += 1;
    } catch (error) {
      counts[howItFailed(toPodroleError(error))] += 1;
    }
  }
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - from) {
    for (; counts.calls < (elapsed / 1_000) * perSecond; counts.calls++) {
      const pod = pods[counts.calls % pods.length];
      if (!pod) continue;
      const one: Promise<void> = callOnce(pod).finally(() => pending.delete(one));
      pending.add(one);
    }
    await sleep(TICK_MS);
  }
  const servedInTime = counts.served;
  await Promise.all(pending);
  return { ...counts, servedInTime };
}

async function renewAll({ address }: CrowdTask & { kind: "renew" }): Promise<Counts> {
  const attempts = await Promise.all(
    pods.map(async (pod) => {
      await sleep(Math.random() * SPREAD_MS);
      return repeatUntilServed(() => callServer("credentials", pod, address));
    }),
  );
  return { ...NOTHING, calls: attempts.reduce((sum, own) => sum + own, 0), served: pods.length };
}

async function run(task: CrowdTask): Promise<Counts> {
  if (task.kind === "measure") return measure(task);
  if (task.kind === "offer") return offer(task);
  if (task.kind === "renew") return renewAll(task);
  await forEachPod(task.callers, async (pod) => {
    await repeatUntilServed(() => proveOne(pod, task.address));
  });
  return { ...NOTHING, calls: pods.length, served: pods.length };
}

async function report(task: CrowdTask): Promise<ThreadReport> {
  const [from, before] = [performance.now(), performance.eventLoopUtilization()];
  try {
    const counts = await run(task);
    const busy = performance.eventLoopUtilization(before).utilization;
    return { counts: { ...counts, ms: performance.now() - from, busy } };
  } catch (error) {
    return { problem: String(error) };
  }
}

useManyAddresses();
reuseContexts();
parentPort?.on("message", (task: CrowdTask) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  void report(task).then((answer) => parentPort?.postMessage(answer));
});
