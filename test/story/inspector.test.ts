// SIGUSR1 opens Node's inspector, which has no authentication, in a process that catches the signal. The programs run
// with the flags of their images.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startEmulatedCluster } from "../../emulators/cluster.ts";
import { until } from "../../emulators/until.ts";
import { buildSidecar } from "../../scripts/build-sidecar.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { ROOT, readText } from "../files.ts";
import { ON_LINUX } from "../on-linux.ts";
import { createFakePod } from "../sidecar/fake-pod.ts";
import { startFakeServer } from "../sidecar/fake-server.ts";

/**
 * Bits of SigCgt in /proc/PID/status: bit 0 is signal 1 (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
 */
const SIGUSR1 = 1n << 9n;

function nodeFlagsOf(image: "server" | "sidecar"): readonly string[] {
  const entrypoint = /^ENTRYPOINT (.*)$/m.exec(readText(`Dockerfile.${image}`))?.[1];
  const [node, ...args] = JSON.parse(entrypoint ?? "[]") as string[];
  assert.equal(node, "node");
  return args.slice(0, -1);
}

function catchesSigusr1(pid: number): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  assert.ok(caught !== undefined);
  return (BigInt(`0x${caught}`) & SIGUSR1) !== 0n;
}

/** Starts podrole-sidecar and resolves with its process when its port listens. */
async function startSidecar(context: TestContext, nodeFlags: readonly string[]) {
  const server = await startFakeServer();
  const pod = await createFakePod(server);
  // The bundle, as in the image.
  await buildSidecar(join(pod.directory, "bundle"));
  const args = [...nodeFlags, join(pod.directory, "bundle/main.cjs"), "serve"];
  const child = spawn(process.execPath, args, { env: pod.env, stdio: ["ignore", "pipe", "inherit"] });
  context.after(async () => {
    const ended = once(child, "exit");
    if (child.kill("SIGKILL")) await ended;
    await server.stop();
    await pod.remove();
  });
  let log = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (log += text));
  await until(() => log.includes("podrole-sidecar is up"), "podrole-sidecar to be up");
  return child.pid ?? 0;
}

test("a process of Node catches SIGUSR1 without the flag", ON_LINUX, () => {
  assert.equal(catchesSigusr1(process.pid), true);
});

test("podrole-sidecar does not catch SIGUSR1, and survives it", ON_LINUX, async (context) => {
  const pid = await startSidecar(context, nodeFlagsOf("sidecar"));
  assert.equal(catchesSigusr1(pid), false);
  process.kill(pid, "SIGUSR1");
  assert.equal(catchesSigusr1(pid), false);
});

test("server and webhook do not catch SIGUSR1, and survive it", ON_LINUX, async (context) => {
  const cluster = await startEmulatedCluster(
    { clock },
    {
      runtime: {
        execPath: process.execPath,
        nodeFlags: nodeFlagsOf("server"),
        entry: join(ROOT, "src/cli/main.ts"),
        path: process.env["PATH"] ?? "",
      },
      region: "eu-central-1",
      accountId: "123456789012",
      roles: [],
    },
  );
  context.after(() => cluster.stop());
  for (const { pid, ports } of [cluster.server, cluster.webhook]) {
    assert.equal(catchesSigusr1(pid), false);
    process.kill(pid, "SIGUSR1");
    assert.equal((await fetch(`http://127.0.0.1:${ports["pages"]}/healthz`)).status, 200);
  }
});
