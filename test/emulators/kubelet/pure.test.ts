// The parts of the node that only rewrite text: references, mounts, fields of the pod, ports, descriptions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { describePod } from "../../../emulators/kubelet/describe.ts";
import { containerVariables, expandVariables, isProblem } from "../../../emulators/kubelet/environment.ts";
import { createLogBuffer } from "../../../emulators/kubelet/log-buffer.ts";
import { createPathRewriter } from "../../../emulators/kubelet/mounts.ts";
import { shiftPorts } from "../../../emulators/kubelet/ports.ts";
import type { EnvVar } from "../../../src/kubernetes/objects.ts";
import { fc } from "../../property.ts";
import { podWithSpec } from "./harness.ts";

const EXPANSIONS = [
  ["$(A)", "1"],
  ["x$(A)y$(B)", "x1y2"],
  ["$(MISSING)", "$(MISSING)"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$1"],
  ["$$$$(A)", "$$(A)"],
  ["$A ${A} $", "$A ${A} $"],
  ["$(A", "$(A"],
  ["$()", "$()"],
  ["$(A)$(", "1$("],
  ["$(EMPTY)", ""],
] as const;
for (const [text, expected] of EXPANSIONS) {
  test(`expandVariables() turns ${text} into ${expected}`, () => {
    const values: Record<string, string> = { A: "1", B: "2", EMPTY: "" };
    assert.equal(
      expandVariables(text, (name) => values[name]),
      expected,
    );
  });
}

test("expandVariables() returns any text whose dollar signs are doubled", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("$", "(", ")", "A", "$(A)", "x")), (parts) => {
      const text = parts.join("");
      assert.equal(
        expandVariables(text.replaceAll("$", "$$$$"), () => "value"),
        text,
      );
    }),
  );
});

const REWRITES = [
  ["/var/run/podrole/proof/token", "/h/proof/token"],
  ["/var/run/podrole", "/var/run/podrole"],
  ["--file=/var/run/podrole/proof", "--file=/h/proof"],
  ["/var/run/podrole/proof:/var/run/podrole/tokens", "/h/proof:/h/tokens"],
  ["/var/run/podrole/proof-old", "/var/run/podrole/proof-old"],
  ["/var/run/podrole/proof.d/x", "/var/run/podrole/proof.d/x"],
  ["/srv/var/run/podrole/proof", "/srv/var/run/podrole/proof"],
  ["https://host/var/run/podrole/proof", "https://host/var/run/podrole/proof"],
  ["file:///var/run/podrole/proof/a", "file:///h/proof/a"],
  ["/var/run/podrole/tokens/app/token", "/h/app-only/token"],
  ['{"path":"/var/run/podrole/tokens"}', '{"path":"/h/tokens"}'],
] as const;
for (const [text, expected] of REWRITES) {
  test(`createPathRewriter() turns ${text} into ${expected}`, () => {
    const rewrite = createPathRewriter([
      { containerPath: "/var/run/podrole/proof", hostPath: "/h/proof" },
      { containerPath: "/var/run/podrole/tokens/", hostPath: "/h/tokens" },
      { containerPath: "/var/run/podrole/tokens/app", hostPath: "/h/app-only" },
    ]);
    assert.equal(rewrite(text), expected);
  });
}

test("createPathRewriter() does not search inserted paths again", () => {
  const rewrite = createPathRewriter([
    { containerPath: "/a", hostPath: "/b" },
    { containerPath: "/b", hostPath: "/c" },
  ]);
  assert.equal(rewrite("/a /b"), "/b /c");
  fc.assert(fc.property(fc.string(), (text) => assert.equal(createPathRewriter([])(text), text)));
});

function variablesOf(env: EnvVar[]) {
  const pod = podWithSpec({ serviceAccountName: "cart" });
  pod.metadata.annotations = { "iam.amazonaws.com/role": "reader" };
  return containerVariables({ name: "app", env }, { pod, nodeName: "node-1", podIP: "127.0.0.1" });
}

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });

test("containerVariables() resolves fields of the pod, and references to preceding variables", () => {
  const variables = variablesOf([
    { name: "LATE", value: "$(NAME)" },
    field("NAME", "metadata.name"),
    field("NAMESPACE", "metadata.namespace"),
    field("UID", "metadata.uid"),
    field("NODE", "spec.nodeName"),
    field("ACCOUNT", "spec.serviceAccountName"),
    field("IP", "status.podIP"),
    field("ROLE", "metadata.annotations['iam.amazonaws.com/role']"),
    { name: "ID", value: "$(NAMESPACE)/$(NAME)" },
    { name: "EMPTY" },
    { name: "ABSENT", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } },
  ]);
  assert.ok(!isProblem(variables));
  assert.deepEqual(Object.fromEntries(variables), {
    LATE: "$(NAME)",
    NAME: "web-0",
    NAMESPACE: "shop",
    UID: "5f3c7a1e-0000-4000-8000-000000000001",
    NODE: "node-1",
    ACCOUNT: "cart",
    IP: "127.0.0.1",
    ROLE: "reader",
    ID: "shop/web-0",
    EMPTY: "",
  });
});

for (const [name, variable] of [
  ["a Secret", { name: "X", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }],
  ["a fieldPath that does not exist", field("X", "status.hostname")],
] as const) {
  test(`containerVariables() names the problem of ${name}`, () => {
    assert.ok(isProblem(variablesOf([variable])));
  });
}

test("shiftPorts() shifts the sidecar's ports in variables, URLs and probes, and no others", () => {
  const pod = podWithSpec({
    initContainers: [
      {
        name: "podrole-sidecar",
        env: [
          { name: "PODROLE_PORT", value: "9763" },
          { name: "PODROLE_HEALTH_PORT", value: "9764" },
          { name: "PODROLE_SERVER_ADDRESS", value: "127.0.0.1:9763" },
        ],
        startupProbe: { httpGet: { path: "/readyz", port: 9764 }, periodSeconds: 1 },
        livenessProbe: { tcpSocket: { port: 9764 } },
      },
    ],
    containers: [
      {
        name: "app",
        env: [
          { name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", value: "http://127.0.0.1:9763/v1/credentials" },
          { name: "AWS_EC2_METADATA_SERVICE_ENDPOINT", value: "http://127.0.0.1:9763" },
          { name: "PORT", value: "9763" },
        ],
        readinessProbe: { httpGet: { path: "/", port: 8080 } },
      },
    ],
  });
  const before = structuredClone(pod);
  const { spec } = shiftPorts(pod, 100);
  assert.deepEqual(pod, before);
  assert.deepEqual(
    spec.initContainers?.[0]?.env?.map(({ value }) => value),
    ["9863", "9864", "127.0.0.1:9763"],
  );
  assert.deepEqual(spec.initContainers?.[0]?.["startupProbe"], {
    httpGet: { path: "/readyz", port: 9864 },
    periodSeconds: 1,
  });
  assert.deepEqual(spec.initContainers?.[0]?.["livenessProbe"], { tcpSocket: { port: 9864 } });
  assert.deepEqual(
    spec.containers[0]?.env?.map(({ value }) => value),
    ["http://127.0.0.1:9863/v1/credentials", "http://127.0.0.1:9863", "9763"],
  );
  assert.deepEqual(spec.containers[0]?.["readinessProbe"], { httpGet: { path: "/", port: 8080 } });
});

test("createLogBuffer() keeps the newest characters and splits none", () => {
  const buffer = createLogBuffer(10);
  for (let n = 0; n < 100; n++) buffer.append(Buffer.from(`${n}\n`));
  assert.equal(buffer.text(), "6\n97\n98\n99\n".slice(-10));
  assert.equal(buffer.tail(2, 100), "98\n99");
  assert.equal(buffer.tail(2, 3), "\n99");
  const [first, second] = [Buffer.from("ü").subarray(0, 1), Buffer.from("ü").subarray(1)];
  buffer.append(first);
  buffer.append(second);
  assert.equal(buffer.text().at(-1), "ü");
});

test("describePod() prints containers as kubectl describe does", () => {
  const base = { image: "podrole", started: false, ready: false, restartCount: 1 };
  const [startedAt, finishedAt] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"];
  const terminated = {
    exitCode: 137,
    signal: 9,
    reason: "Error" as const,
    message: "one\ntwo\n",
    startedAt,
    finishedAt,
  };
  const text = describePod("web-0", {
    phase: "Pending",
    podIP: "127.0.0.1",
    startTime: startedAt,
    initContainerStatuses: [
      { ...base, name: "podrole-init", state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: { terminated } },
    ],
    containerStatuses: [{ ...base, name: "app", ready: true, restartCount: 0, state: { running: { startedAt } } }],
  });
  assert.equal(
    text,
    `Name:    web-0
Status:  Pending
Init Containers:
  podrole-init:
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Message:      one
                    two
      Exit Code:    137
      Signal:       9
      Started:      2026-01-01T00:00:00Z
      Finished:     2026-01-01T00:00:05Z
    Ready:          False
    Restart Count:  1
Containers:
  app:
    State:          Running
      Started:      2026-01-01T00:00:00Z
    Ready:          True
    Restart Count:  0
`,
  );
});
