// A process node in its own directory, and pods whose containers are shell commands or pieces of JavaScript.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath, kill } from "node:process";
import type { TestContext } from "node:test";
import { createProcessNode, type ProcessNode, type ProcessNodeOptions } from "../../../emulators/kubelet/node.ts";
import type { ContainerStatus, PodStatus } from "../../../emulators/kubelet/status.ts";
import type { TokenRequest } from "../../../emulators/kubelet/volumes.ts";
import type { Container, Pod, PodSpec } from "../../../src/kubernetes/objects.ts";
import { type Clock, systemClock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createKeptLog } from "../../fakes/log.ts";

export interface KubeletHarness {
  readonly node: ProcessNode;
  /** The node's directory. */
  readonly directory: string;
  /** A directory outside the node, to which processes write results. */
  readonly outside: string;
  readonly tokenRequests: readonly TokenRequest[];
}

export const UID = "5f3c7a1e-0000-4000-8000-000000000001";

export async function createHarness(
  t: TestContext,
  options: Partial<ProcessNodeOptions> = {},
  clock: Clock = systemClock,
): Promise<KubeletHarness> {
  const base = await mkdtemp(join(tmpdir(), "podrole-kubelet-"));
  const tokenRequests: TokenRequest[] = [];
  const node = createProcessNode(
    { clock, log: createKeptLog().log },
    {
      directory: join(base, "node"),
      images: {
        sh: { command: ["/bin/sh", "-c"] },
        env: { command: ["/usr/bin/env"], env: { FROM_IMAGE: "yes", GREETING: "image" } },
        js: { command: [execPath, "-e"] },
      },
      async tokens(request) {
        tokenRequests.push(request);
        return {
          token: new Secret(`token-${tokenRequests.length}`),
          expiresAt: clock.now() + request.expirationSeconds * 1000,
        };
      },
      restartBackoff: { baseMs: 20, capMs: 100 },
      startupPeriodMs: 20,
      ...options,
    },
  );
  t.after(async () => {
    await node.stop(0);
    await rm(base, { recursive: true, force: true });
  });
  return { node, directory: join(base, "node"), outside: base, tokenRequests };
}

export function podWithSpec(spec: Omit<PodSpec, "containers"> & { containers?: Container[] }, uid = UID): Pod {
  return {
    metadata: { name: "web-0", namespace: "shop", uid },
    spec: { containers: [shellContainer("app", "exec sleep 1000")], ...spec },
  };
}

/** A container that runs one line of shell. */
export function shellContainer(name: string, line: string, more: Partial<Container> = {}): Container {
  return { name, image: "sh", args: [line], ...more };
}

/** A sidecar that returns 503 on `port` until the file `go` exists in the volume at /shared, and 200 from then on. */
export function gatedSidecar(name: string, port: number): Container {
  const script = `
    const { createServer } = require("node:http");
    const { existsSync } = require("node:fs");
    const server = createServer((_, response) => response.writeHead(existsSync("/shared/go") ? 200 : 503).end());
    server.listen(Number(process.env.PODROLE_HEALTH_PORT), "127.0.0.1", () => console.log(process.pid));
    process.on("SIGTERM", () => process.exit(0));`;
  return {
    name,
    image: "js",
    args: [script],
    env: [{ name: "PODROLE_HEALTH_PORT", value: String(port) }],
    restartPolicy: "Always",
    startupProbe: { httpGet: { path: "/readyz", port }, periodSeconds: 1, failureThreshold: 60 },
    volumeMounts: [{ name: "shared", mountPath: "/shared" }],
  };
}

export const SHARED = { name: "shared", emptyDir: {} };

export function containerOf({ initContainerStatuses, containerStatuses }: PodStatus, name: string): ContainerStatus {
  const found = [...initContainerStatuses, ...containerStatuses].find((status) => status.name === name);
  if (found === undefined) throw new TypeError(`Cannot find the status of container "${name}"`);
  return found;
}

export function isRunning(status: ContainerStatus): boolean {
  return "running" in status.state;
}

export function waitingReason({ state }: ContainerStatus): string | undefined {
  return "waiting" in state ? state.waiting.reason : undefined;
}

/** Reports whether a process with this id runs; a zombie does not count. */
export function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
    return !existsSync("/proc/self/stat") || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
