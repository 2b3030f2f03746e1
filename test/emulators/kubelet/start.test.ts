// How a pod starts: order, environment, mounts, sidecars that delay later containers, containers that cannot start.
import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, freePorts } from "../../loopback.ts";
import {
  containerOf,
  createHarness,
  gatedSidecar,
  isRunning,
  podWithSpec,
  SHARED,
  shellContainer,
  UID,
  waitingReason,
} from "./harness.ts";

const MOUNT = { volumeMounts: [{ name: "shared", mountPath: "/work" }] };

test("run() runs init containers one after the other, then the app, to Succeeded", async (t) => {
  const { node } = await createHarness(t);
  const pod = node.run(
    podWithSpec({
      restartPolicy: "Never",
      volumes: [SHARED],
      initContainers: [
        shellContainer("first", "sleep 0.1; echo first >> /work/order", MOUNT),
        shellContainer("second", "echo second >> /work/order", MOUNT),
      ],
      containers: [shellContainer("app", "echo app >> /work/order; cat /work/order", MOUNT)],
    }),
  );
  const { initContainerStatuses, containerStatuses } = await pod.until(({ phase }) => phase === "Succeeded");
  assert.equal(pod.logs("app"), "first\nsecond\napp\n");
  for (const { state, restartCount } of [...initContainerStatuses, ...containerStatuses]) {
    assert.equal("terminated" in state && state.terminated.reason, "Completed");
    assert.equal(restartCount, 0);
  }
});

test("run() gives a process only its own environment and PATH", async (t) => {
  const { node } = await createHarness(t, { searchPath: "/bin:/usr/bin" });
  const env = [
    { name: "GREETING", value: "hello $(WHO) $$(WHO)" },
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "FULL", value: "$(POD).shop" },
  ];
  const pod = node.run(podWithSpec({ restartPolicy: "Never", containers: [{ name: "app", image: "env", env }] }));
  await pod.until(({ phase }) => phase === "Succeeded");
  assert.deepEqual(pod.logs("app").trim().split("\n").sort(), [
    "FROM_IMAGE=yes",
    "FULL=web-0.shop",
    "GREETING=hello $(WHO) $(WHO)",
    "PATH=/bin:/usr/bin",
    "POD=web-0",
  ]);
});

test("run() rewrites mount paths in values, command and args, the longest first, with subPath", async (t) => {
  const { node, directory } = await createHarness(t);
  const volumeMounts = [
    { name: "shared", mountPath: "/var/run/all" },
    { name: "shared", mountPath: "/var/run/all/mine", subPath: "app" },
  ];
  const env = [{ name: "FILE", value: "/var/run/all/mine/token" }];
  const command = ["/bin/sh", "-c", "echo secret > $(FILE); echo $FILE; cat /var/run/all/app/token"];
  const pod = node.run(
    podWithSpec({
      restartPolicy: "Never",
      volumes: [SHARED],
      containers: [{ name: "app", image: "sh", command, env, volumeMounts }],
    }),
  );
  await pod.until(({ phase }) => phase === "Succeeded");
  const volume = join(directory, UID, "volumes", "shared");
  assert.equal(pod.logs("app"), `${volume}/app/token\nsecret\n`);
  assert.equal((await stat(volume)).mode & 0o777, 0o700);
});

test("run() delays later containers until a sidecar's startup probe has passed", async (t) => {
  const { node, directory } = await createHarness(t);
  const port = await freePort();
  const pod = node.run(
    podWithSpec({
      volumes: [SHARED],
      initContainers: [gatedSidecar("podrole-sidecar", port), shellContainer("migrate", "true")],
      containers: [shellContainer("app", "exec sleep 1000")],
    }),
  );
  const waiting = await pod.until((status) => isRunning(containerOf(status, "podrole-sidecar")));
  assert.equal(containerOf(waiting, "podrole-sidecar").started, false);
  assert.equal(waitingReason(containerOf(waiting, "migrate")), "PodInitializing");
  assert.equal(waitingReason(containerOf(waiting, "app")), "PodInitializing");
  assert.equal(waiting.phase, "Pending");

  await writeFile(join(directory, UID, "volumes", "shared", "go"), "");
  const up = await pod.until(({ phase }) => phase === "Running");
  assert.equal(containerOf(up, "podrole-sidecar").started, true);
  assert.equal("terminated" in containerOf(up, "migrate").state, true);
  assert.equal(isRunning(containerOf(up, "app")), true);
});

test("run() starts the next container when the postStart hook of the one before is done", async (t) => {
  const images = {
    sh: { command: ["/bin/sh", "-c"] },
    classic: {
      command: ["/bin/sh", "-c"],
      programs: { "wait-for": ["/bin/sh", "-c", "while [ ! -e $0 ]; do sleep 0.02; done"] },
    },
  };
  const { node, directory } = await createHarness(t, { images });
  const lifecycle = { postStart: { exec: { command: ["wait-for", "/work/go"] } } };
  const classic = { name: "classic", image: "classic", args: ["exec sleep 1000"], lifecycle, ...MOUNT };
  const pod = node.run(
    podWithSpec({ volumes: [SHARED], containers: [classic, shellContainer("app", "exec sleep 1000")] }),
  );
  const waiting = await pod.until((status) => isRunning(containerOf(status, "classic")));
  assert.equal(waitingReason(containerOf(waiting, "app")), "PodInitializing");
  await writeFile(join(directory, UID, "volumes", "shared", "go"), "");
  await pod.until((status) => isRunning(containerOf(status, "app")));
});

test("run() shifts the ports of the sidecar by an offset, so that two pods run side by side", async (t) => {
  const { node, directory } = await createHarness(t);
  const base = 20_000;
  const [first, second] = await freePorts();
  const uids = [UID, UID.replace(/1$/, "2")];
  for (const [n, port] of [first, second].entries()) {
    const pod = podWithSpec({ volumes: [SHARED], initContainers: [gatedSidecar("podrole-sidecar", base)] }, uids[n]);
    const running = node.run(pod, { portOffset: port - base });
    await running.until((status) => isRunning(containerOf(status, "podrole-sidecar")));
    await writeFile(join(directory, uids[n] ?? "", "volumes", "shared", "go"), "");
    await running.until(({ phase }) => phase === "Running");
  }
  assert.equal(node.pods().length, 2);
  await node.stop();
  assert.equal(node.pods().length, 0);
});

const STUCK = [
  { name: "an image that the node does not have", container: { name: "app", image: "nginx" }, reason: "ErrImagePull" },
  {
    name: "a variable from a Secret",
    container: shellContainer("app", "true", {
      env: [{ name: "X", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }],
    }),
    reason: "CreateContainerConfigError",
  },
  {
    name: "a mount of a volume that the pod does not have",
    container: shellContainer("app", "true", { volumeMounts: [{ name: "none", mountPath: "/x" }] }),
    reason: "CreateContainerConfigError",
  },
  {
    name: "a subPath that leaves the volume",
    container: shellContainer("app", "true", {
      volumeMounts: [{ name: "shared", mountPath: "/x", subPath: "../../.." }],
    }),
    reason: "CreateContainerConfigError",
  },
];
for (const { name, container, reason } of STUCK) {
  test(`run() keeps a container with ${name} waiting with ${reason}`, async (t) => {
    const { node } = await createHarness(t);
    const pod = node.run(podWithSpec({ volumes: [SHARED], containers: [container] }));
    await pod.until((status) => waitingReason(containerOf(status, "app")) === reason);
    await pod.stop();
  });
}

test("run() reports a program that does not exist as StartError", async (t) => {
  const { node } = await createHarness(t);
  const container = { name: "app", image: "sh", command: ["/no/such/program"] };
  const pod = node.run(podWithSpec({ restartPolicy: "Never", containers: [container] }));
  const { state } = containerOf(await pod.until(({ phase }) => phase === "Failed"), "app");
  assert.equal("terminated" in state && state.terminated.reason, "StartError");
  assert.equal("terminated" in state && state.terminated.exitCode, 128);
});

test("run() keeps a pod pending if the node does not support its volume", async (t) => {
  const { node } = await createHarness(t);
  const pod = node.run(podWithSpec({ volumes: [{ name: "data", hostPath: { path: "/" } }] }));
  const { message } = await pod.until((status) => status.message !== undefined);
  assert.equal(message, 'volume "data" is neither emptyDir nor projected');
});

test("run() throws for a pod without uid, for one that runs, and after stop()", async (t) => {
  const { node } = await createHarness(t);
  assert.throws(
    () => node.run({ metadata: { name: "a", namespace: "b" }, spec: { containers: [] } }),
    /^Error: Cannot /,
  );
  assert.throws(() => node.run(podWithSpec({}, "../escape")), /^Error: Cannot /);
  node.run(podWithSpec({}));
  assert.throws(() => node.run(podWithSpec({})), /^Error: Cannot /);
  await node.stop(0);
  assert.throws(() => node.run(podWithSpec({})), /^Error: Cannot /);
});

test("exec() runs a command with the container's environment and mounts", async (t) => {
  const { node } = await createHarness(t);
  const env = [{ name: "TOKEN_FILE", value: "/work/token" }];
  const pod = node.run(
    podWithSpec({
      volumes: [SHARED],
      containers: [shellContainer("app", "echo abc > $TOKEN_FILE; exec sleep 1000", { env, ...MOUNT })],
    }),
  );
  await assert.rejects(pod.exec("app", ["true"]), /^Error: Cannot /);
  await assert.rejects(pod.exec("other", ["true"]), /^Error: Cannot /);
  await pod.until(({ phase }) => phase === "Running");
  const command = ["/bin/sh", "-c", "until [ -s /work/token ]; do sleep 0.02; done; cat $TOKEN_FILE; exit 3"];
  assert.deepEqual(await pod.exec("app", command), { exitCode: 3, output: "abc\n" });

  const cancelled = new AbortController();
  const endless = pod.exec("app", ["/bin/sleep", "1000"], cancelled.signal);
  cancelled.abort();
  assert.equal((await endless).exitCode, 137);
});

test("until() ends with the pod, and with its signal", async (t) => {
  const { node } = await createHarness(t);
  const pod = node.run(podWithSpec({}));
  const never = pod.until(() => false);
  const cancelled = new AbortController();
  const aborted = pod.until(() => false, cancelled.signal);
  cancelled.abort();
  await assert.rejects(aborted, { name: "AbortError" });
  await pod.stop(0);
  assert.equal((await never).podIP, "127.0.0.1");
});
