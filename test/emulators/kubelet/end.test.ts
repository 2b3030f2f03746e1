// How containers end: termination messages, restarts with back-off, failed probes, and stop().
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { kill } from "node:process";
import { test } from "node:test";
import type { RunningPod } from "../../../emulators/kubelet/node.ts";
import type { Container } from "../../../src/kubernetes/objects.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { freePort } from "../../loopback.ts";
import {
  containerOf,
  createHarness,
  isAlive,
  isRunning,
  podWithSpec,
  SHARED,
  shellContainer,
  UID,
  waitingReason,
} from "./harness.ts";

const MESSAGES: readonly {
  readonly name: string;
  readonly container: Partial<Container>;
  readonly line: string;
  readonly message: string | undefined;
}[] = [
  {
    name: "the file that a variable names",
    container: { env: [{ name: "PODROLE_TERMINATION_MESSAGE_FILE", value: "/dev/termination-log" }] },
    line: "printf 'ROLE_FORBIDDEN: no' > $PODROLE_TERMINATION_MESSAGE_FILE; echo log; exit 3",
    message: "ROLE_FORBIDDEN: no",
  },
  {
    name: "a file at a path of its own",
    container: { terminationMessagePath: "/tmp/why", env: [{ name: "WHY", value: "/tmp/why" }] },
    line: "printf because > $WHY; exit 3",
    message: "because",
  },
  {
    name: "the end of the log, as FallbackToLogsOnError says",
    container: { terminationMessagePolicy: "FallbackToLogsOnError" },
    line: "for n in $(seq 100); do echo $n; done; exit 3",
    message: Array.from({ length: 80 }, (_, n) => n + 21).join("\n"),
  },
  { name: "nothing", container: {}, line: "echo log; exit 3", message: undefined },
];
for (const { name, container, line, message } of MESSAGES) {
  test(`run() ends a failed init container with its exit code and ${name} as its message`, async (t) => {
    const { node } = await createHarness(t);
    const pod = node.run(
      podWithSpec({ restartPolicy: "Never", initContainers: [shellContainer("podrole-init", line, container)] }),
    );
    const status = await pod.until(({ phase }) => phase === "Failed");
    const { state } = containerOf(status, "podrole-init");
    assert.ok("terminated" in state);
    assert.equal(state.terminated.exitCode, 3);
    assert.equal(state.terminated.message, message);
    assert.equal(status.message, 'init container "podrole-init" failed');
    assert.equal(waitingReason(containerOf(status, "app")), "PodInitializing");
    if (message !== undefined) assert.ok(pod.describe().includes(`Message:      ${message.split("\n")[0]}`));
  });
}

test("run() restarts an init container at once, then with back-off, each time with an empty termination message", async (t) => {
  const clock = createFakeClock();
  const { node } = await createHarness(t, { restartBackoff: { baseMs: 10_000, capMs: 300_000 } }, clock);
  const count = "echo x >> /work/runs; [ $(wc -l < /work/runs) -ge 4 ] || exit 1";
  const init = shellContainer("init", count, { volumeMounts: [{ name: "shared", mountPath: "/work" }] });
  const pod = node.run(podWithSpec({ volumes: [SHARED], initContainers: [init] }));

  const backedOff = (restarts: number) =>
    pod.until((status) => {
      const container = containerOf(status, "init");
      return container.restartCount === restarts && waitingReason(container) === "CrashLoopBackOff";
    });
  const first = containerOf(await backedOff(1), "init");
  assert.equal(
    "waiting" in first.state && first.state.waiting.message,
    "back-off 10s restarting failed container=init",
  );
  assert.equal(first.lastState?.terminated.exitCode, 1);
  await clock.advance(10_000);
  const second = containerOf(await backedOff(2), "init");
  assert.equal(
    "waiting" in second.state && second.state.waiting.message,
    "back-off 20s restarting failed container=init",
  );
  await clock.advance(20_000);
  const up = await pod.until(({ phase }) => phase === "Running");
  assert.equal(containerOf(up, "init").restartCount, 3);
});

test("run() restarts a sidecar that exits, with its volumes, while the app continues", async (t) => {
  const { node } = await createHarness(t);
  const line = "echo run >> /work/runs; cat /work/runs; echo pid $$$$; exec sleep 1000";
  const sidecar = shellContainer("side", line, {
    restartPolicy: "Always",
    volumeMounts: [{ name: "shared", mountPath: "/work" }],
  });
  const pod = node.run(podWithSpec({ volumes: [SHARED], initContainers: [sidecar] }));
  await pod.until(({ phase }) => phase === "Running");
  const before = await logged(pod, "side", /pid (\d+)/);
  kill(Number(before), "SIGKILL");
  const status = await pod.until(({ initContainerStatuses: [side] }) => side?.restartCount === 1 && isRunning(side));
  const { lastState } = containerOf(status, "side");
  assert.equal(lastState?.terminated.exitCode, 137);
  assert.equal(lastState?.terminated.signal, 9);
  assert.equal(containerOf(status, "app").restartCount, 0);
  await logged(pod, "side", /run\nrun\npid \d+/);
  assert.match(pod.logs("side", { previous: true }), /^run\npid \d+\n$/);
});

test("run() ends and restarts a container when its liveness probe fails", async (t) => {
  const { node } = await createHarness(t);
  const livenessProbe = {
    exec: { command: ["/bin/sh", "-c", "test ! -e /work/sick"] },
    periodSeconds: 0.02,
    failureThreshold: 2,
  };
  const line = "if [ -e /work/sick ]; then rm /work/sick; else touch /work/sick; fi; exec sleep 1000";
  const app = shellContainer("app", line, { livenessProbe, volumeMounts: [{ name: "shared", mountPath: "/work" }] });
  const pod = node.run(podWithSpec({ volumes: [SHARED], containers: [app] }));
  const { containerStatuses } = await pod.until(
    ({ containerStatuses: [only] }) => only?.restartCount === 1 && isRunning(only),
  );
  assert.equal(containerStatuses[0]?.lastState?.terminated.signal, 15);
});

test("run() ends a container when its startup probe never passes", async (t) => {
  const { node } = await createHarness(t);
  const startupProbe = { tcpSocket: { port: await freePort() }, periodSeconds: 1, failureThreshold: 0.05 };
  const pod = node.run(
    podWithSpec({ restartPolicy: "Never", containers: [shellContainer("app", "exec sleep 1000", { startupProbe })] }),
  );
  const { containerStatuses } = await pod.until(({ phase }) => phase === "Failed");
  const [only] = containerStatuses;
  assert.equal(only && "terminated" in only.state && only.state.terminated.signal, 15);
});

test("run() changes only ready when a readiness probe fails", async (t) => {
  const { node } = await createHarness(t);
  const readinessProbe = {
    exec: { command: ["/bin/sh", "-c", "test -e /work/open"] },
    periodSeconds: 0.02,
    failureThreshold: 1,
  };
  const app = shellContainer("app", "exec sleep 1000", {
    readinessProbe,
    volumeMounts: [{ name: "shared", mountPath: "/work" }],
  });
  const pod = node.run(podWithSpec({ volumes: [SHARED], containers: [app] }));
  const up = await pod.until(({ phase }) => phase === "Running");
  assert.equal(containerOf(up, "app").ready, false);
  await pod.exec("app", ["/bin/sh", "-c", "touch /work/open"]);
  await pod.until((status) => containerOf(status, "app").ready);
  await pod.exec("app", ["/bin/sh", "-c", "rm /work/open"]);
  const closed = await pod.until((status) => !containerOf(status, "app").ready);
  assert.equal(containerOf(closed, "app").restartCount, 0);
});

test("run() stops the sidecars and reports Succeeded when the app has ended", async (t) => {
  const { node, outside } = await createHarness(t);
  const sidecar = (name: string) => trap(name, outside, { restartPolicy: "Always" });
  const pod = node.run(
    podWithSpec({
      restartPolicy: "OnFailure",
      initContainers: [sidecar("one"), sidecar("two")],
      containers: [
        shellContainer("job", `until [ -e ${outside}/one.up ] && [ -e ${outside}/two.up ]; do sleep 0.02; done`),
      ],
    }),
  );
  const { initContainerStatuses } = await pod.until(({ phase }) => phase === "Succeeded");
  assert.deepEqual((await readFile(join(outside, "ends"), "utf8")).split("\n"), ["two", "one", ""]);
  assert.ok(initContainerStatuses.every(({ state }) => "terminated" in state && state.terminated.exitCode === 0));
});

test("stop() ends the app containers, then the sidecars in reverse order, and leaves no process and no file", async (t) => {
  const { node, outside, directory } = await createHarness(t);
  const pod = node.run(
    podWithSpec({
      volumes: [SHARED],
      initContainers: [
        trap("one", outside, { restartPolicy: "Always" }),
        trap("two", outside, { restartPolicy: "Always" }),
      ],
      containers: [
        trap("app", outside, {
          lifecycle: { preStop: { exec: { command: ["/bin/sh", "-c", `echo hook >> ${outside}/ends`] } } },
        }),
      ],
    }),
  );
  await pod.until(({ phase }) => phase === "Running");
  const pids = await Promise.all(
    ["one", "two", "app"].map(async (name) => Number(await logged(pod, name, /pid (\d+)/))),
  );
  assert.ok(pids.every(isAlive));
  await pod.stop();
  assert.deepEqual((await readFile(join(outside, "ends"), "utf8")).split("\n"), ["hook", "app", "two", "one", ""]);
  assert.ok(!pids.some(isAlive));
  await assert.rejects(stat(join(directory, UID)), { code: "ENOENT" });
  assert.deepEqual(node.pods(), []);
});

test("stop() kills a process that ignores SIGTERM, with its children", async (t) => {
  const { node } = await createHarness(t);
  const pod = node.run(
    podWithSpec({
      containers: [shellContainer("app", "trap '' TERM; sleep 1000 & echo child $!; echo pid $$$$; wait; wait")],
    }),
  );
  const pids = [Number(await logged(pod, "app", /child (\d+)/)), Number(await logged(pod, "app", /pid (\d+)/))];
  assert.ok(pids.every(isAlive));
  await pod.stop(50);
  assert.ok(!pids.some(isAlive));
  const { state } = containerOf(pod.status(), "app");
  assert.equal("terminated" in state && state.terminated.exitCode, 137);
});

test("stop() ends a pod that is still waiting, for a token, for a probe or for its back-off", async (t) => {
  const { node } = await createHarness(t, {
    restartBackoff: { baseMs: 3_600_000, capMs: 3_600_000 },
    tokens: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
  });
  const uid = (n: number) => UID.replace(/1$/, String(n));
  const proof = { name: "proof", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } };
  const startupProbe = { tcpSocket: { port: await freePort() }, failureThreshold: 1000 };
  const probing = node.run(
    podWithSpec(
      { initContainers: [shellContainer("side", "exec sleep 1000", { restartPolicy: "Always", startupProbe })] },
      uid(2),
    ),
  );
  const failing = node.run(podWithSpec({ initContainers: [shellContainer("init", "exit 1")] }, uid(3)));
  node.run(podWithSpec({ volumes: [proof] }, uid(4)));
  await probing.until((status) => isRunning(containerOf(status, "side")));
  await failing.until((status) => waitingReason(containerOf(status, "init")) === "CrashLoopBackOff");
  await node.stop();
  assert.deepEqual(node.pods(), []);
});

test("stop() leaves no process and no file, however early it is called", async (t) => {
  const { node, outside } = await createHarness(t);
  const side = (name: string) =>
    shellContainer(name, `echo $$$$ >> ${outside}/pids; exec sleep 1000`, { restartPolicy: "Always" });
  for (let delayMs = 0; delayMs < 40; delayMs++) {
    const init = [shellContainer("init", `echo $$$$ >> ${outside}/pids`), side("one"), side("two")];
    const pod = node.run(podWithSpec({ volumes: [SHARED], initContainers: init }));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await pod.stop(0);
  }
  const pids = (await readFile(join(outside, "pids"), "utf8")).trim().split("\n").map(Number);
  assert.ok(pids.length > 0);
  assert.ok(!pids.some(isAlive));
});

/** A container that writes its name to `ends` on SIGTERM and exits with 0. */
function trap(name: string, outside: string, more: Partial<Container>): Container {
  return shellContainer(
    name,
    `trap 'echo ${name} >> ${outside}/ends; exit 0' TERM; touch ${outside}/${name}.up; echo pid $$$$; while :; do sleep 0.02; done`,
    more,
  );
}

/** Waits until the expression matches in a container's log. `$$$$` above is `$$` for the shell. */
async function logged(pod: RunningPod, name: string, expression: RegExp): Promise<string | undefined> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const found = expression.exec(pod.logs(name));
    if (found) return found[1];
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`${String(expression)} is not in the log of ${name}: ${pod.logs(name)}`);
}
