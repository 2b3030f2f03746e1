// Errors of an injector that the API server refuses, with its messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { qosClassOf } from "../../../emulators/kubernetes/pod-defaults.ts";
import type { Container, ResourceRequirements } from "../../../src/kubernetes/objects.ts";
import { PODS_PATH, startApi } from "./harness.ts";

const APP = { name: "app", image: "shop/app:1" };
const SIDECAR = { name: "side", image: "side:1", restartPolicy: "Always" };

/** `wrong` is the whole list of problems, without the preceding "Pod "a" is invalid:". */
const CASES = [
  { spec: { containers: [APP], initContainers: [SIDECAR] }, wrong: undefined },
  { spec: { containers: [APP, APP] }, wrong: 'spec.containers[1].name: Duplicate value: "app"' },
  {
    spec: { containers: [APP], initContainers: [{ ...SIDECAR, name: "app" }] },
    wrong: 'spec.initContainers[0].name: Duplicate value: "app"',
  },
  { spec: { containers: [{ name: "app" }] }, wrong: "spec.containers[0].image: Required value" },
  {
    spec: { containers: [{ ...APP, name: "App" }] },
    wrong: /^spec\.containers\[0\]\.name: Invalid value: "App": a lowercase RFC 1123 label must consist of/,
  },
  {
    spec: { containers: [{ ...APP, restartPolicy: "Sometimes" }] },
    wrong:
      'spec.containers[0].restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
  },
  {
    spec: { containers: [APP], initContainers: [{ ...SIDECAR, restartPolicy: "Once" }] },
    wrong:
      'spec.initContainers[0].restartPolicy: Unsupported value: "Once": supported values: "Always", "Never", "OnFailure"',
  },
  {
    spec: { containers: [APP], initContainers: [{ ...APP, name: "init", startupProbe: { httpGet: { port: 1 } } }] },
    wrong:
      "spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
  },
  {
    spec: { containers: [APP], initContainers: [{ ...SIDECAR, startupProbe: { httpGet: { port: 1 } } }] },
    wrong: undefined,
  },
  {
    spec: { containers: [{ ...APP, volumeMounts: [{ name: "v", mountPath: "/v" }] }] },
    wrong: 'spec.containers[0].volumeMounts[0].name: Not found: "v"',
  },
  {
    spec: {
      volumes: [{ name: "v" }, { name: "w", emptyDir: {} }],
      containers: [
        {
          ...APP,
          volumeMounts: [
            { name: "v", mountPath: "/v" },
            { name: "w", mountPath: "/v" },
          ],
        },
      ],
    },
    wrong: 'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
  },
  {
    spec: {
      volumes: [{ name: "v" }],
      containers: [{ ...APP, volumeMounts: [{ name: "v", mountPath: "/v", subPath: "../x" }] }],
    },
    wrong: /must not contain '\.\.'$/,
  },
  {
    spec: { volumes: [{ name: "v" }, { name: "v" }], containers: [APP] },
    wrong: 'spec.volumes[1].name: Duplicate value: "v"',
  },
  {
    spec: { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/" } }], containers: [APP] },
    wrong: "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
  },
  {
    spec: {
      volumes: [{ name: "v", projected: { sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 60 } }] } }],
      containers: [APP],
    },
    wrong: /may not specify a duration less than 10 minutes$/,
  },
  {
    spec: { containers: [{ ...APP, resources: { requests: { cpu: "200m" }, limits: { cpu: "0.1" } } }] },
    wrong:
      'spec.containers[0].resources.requests: Invalid value: "200m": must be less than or equal to cpu limit of 0.1',
  },
  {
    spec: { containers: [{ ...APP, resources: { requests: { memory: "64Mi" }, limits: { memory: "64Mi" } } }] },
    wrong: undefined,
  },
  {
    spec: { containers: [{ ...APP, resources: { requests: { memory: "lots" } } }] },
    wrong: /^spec\.containers\[0\]\.resources\.requests\[memory\]: Invalid value: "lots"/,
  },
  {
    spec: { containers: [{ ...APP, ports: [{ containerPort: 70000 }] }] },
    wrong: /must be between 1 and 65535, inclusive$/,
  },
  {
    spec: {
      containers: [
        {
          ...APP,
          ports: [
            { name: "a", containerPort: 1 },
            { name: "a", containerPort: 2 },
          ],
        },
      ],
    },
    wrong: 'spec.containers[0].ports[1].name: Duplicate value: "a"',
  },
  {
    spec: { containers: [{ ...APP, env: [{ value: "x" }] }] },
    wrong: "spec.containers[0].env[0].name: Required value",
  },
  {
    spec: { containers: [{ ...APP, env: [{ name: "A", value: "x", valueFrom: {} }] }] },
    wrong: /may not be specified when `value` is not empty$/,
  },
  {
    spec: { containers: [{ ...APP, securityContext: { privileged: true, allowPrivilegeEscalation: false } }] },
    wrong: /cannot set `allowPrivilegeEscalation` to false and `privileged` to true$/,
  },
  {
    spec: { containers: [APP], restartPolicy: "Sometimes" },
    wrong: 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
  },
  { spec: { containers: [] }, wrong: "spec.containers: Required value" },
  {
    spec: { containers: [{}] },
    wrong: "[spec.containers[0].name: Required value, spec.containers[0].image: Required value]",
  },
] as const;

test("createKubernetesEmulator(): a pod is refused with every problem, or accepted", async (t) => {
  const { call } = await startApi(t);
  for (const { spec, wrong } of CASES) {
    const { code, body } = await call("POST", `${PODS_PATH}?dryRun=All`, { metadata: { name: "a" }, spec });
    const about = JSON.stringify(spec);
    assert.equal(code, wrong === undefined ? 201 : 422, `${about}: ${body.message}`);
    const said = (body.message ?? "").replace(/^Pod "a" is invalid: /, "");
    if (typeof wrong === "string") assert.equal(said, wrong);
    else if (wrong !== undefined) assert.match(said, wrong);
  }
});

const METADATA = [
  {
    metadata: { name: "Web" },
    wrong: /^metadata\.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of/,
  },
  { metadata: { name: "a", labels: { app: "not a label" } }, wrong: /^metadata\.labels: Invalid value: "not a label"/ },
  { metadata: { name: "a", annotations: { "a b": "c" } }, wrong: /^metadata\.annotations: Invalid value: "a b"/ },
] as const;

test("createKubernetesEmulator(): metadata is refused for invalid names, labels and annotations", async (t) => {
  const { call } = await startApi(t);
  for (const { metadata, wrong } of METADATA) {
    const { code, body } = await call("POST", PODS_PATH, { metadata, spec: { containers: [APP] } });
    assert.equal(code, 422);
    assert.match((body.message ?? "").replace(/^Pod "[^"]*" is invalid: /, ""), wrong);
  }
});

test("createKubernetesEmulator(): a webhook configuration that can never work is refused", async (t) => {
  const { call } = await startApi(t);
  const path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
  const webhook = { name: "pods", clientConfig: { url: "http://x", caBundle: "eA==" }, sideEffects: "Some" };
  const { code, body } = await call("POST", path, { metadata: { name: "a" }, webhooks: [webhook] });
  assert.equal(code, 422);
  for (const expected of [
    "webhooks[0].name: Invalid value",
    "'https' is the only allowed URL scheme; desired format: https://host[/path]",
    'webhooks[0].sideEffects: Unsupported value: "Some"',
    "webhooks[0].admissionReviewVersions: Required value",
  ]) {
    assert.ok(body.message?.includes(expected), expected);
  }
});

test("createKubernetesEmulator(): defaults are set as by the API server", async (t) => {
  const { call } = await startApi(t);
  const spec = {
    containers: [
      { name: "a", image: "x" },
      { name: "b", image: "x:1", resources: { limits: { cpu: "1" } } },
    ],
    volumes: [{ name: "none" }, { name: "cm", configMap: { name: "c" } }],
  };
  const { body } = await call("POST", PODS_PATH, { metadata: { name: "a" }, spec });
  const { containers, volumes } = body["spec"] as typeof spec & { containers: Record<string, unknown>[] };
  assert.deepEqual(
    containers.map(({ imagePullPolicy }: Record<string, unknown>) => imagePullPolicy),
    ["Always", "IfNotPresent"],
  );
  assert.deepEqual(containers[1]?.["resources"], { limits: { cpu: "1" }, requests: { cpu: "1" } });
  assert.deepEqual(volumes, [
    { name: "none", emptyDir: {} },
    { name: "cm", configMap: { name: "c", defaultMode: 420 } },
  ]);
});

test("createKubernetesEmulator(): defaults of probes, ports and fields are set, so that a webhook receives its own containers with them", async (t) => {
  const { call } = await startApi(t);
  const container = {
    ...APP,
    ports: [{ containerPort: 9764 }],
    env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    startupProbe: { httpGet: { path: "/healthz", port: 9764 }, periodSeconds: 1 },
  };
  const { body } = await call("POST", PODS_PATH, { metadata: { name: "a" }, spec: { containers: [container] } });
  const [filled] = (body["spec"] as { containers: Container[] }).containers;
  assert.deepEqual(filled?.ports, [{ containerPort: 9764, protocol: "TCP" }]);
  assert.deepEqual(filled?.env?.[0]?.valueFrom, { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } });
  assert.deepEqual(filled?.["startupProbe"], {
    httpGet: { path: "/healthz", port: 9764, scheme: "HTTP" },
    timeoutSeconds: 1,
    periodSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  });
});

const FULL = { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "0.1", memory: "67108864" } };

const QOS = [
  { resources: [{}], init: [], qos: "BestEffort" },
  { resources: [FULL], init: [FULL], qos: "Guaranteed" },
  { resources: [FULL, {}], init: [], qos: "Burstable" },
  { resources: [FULL], init: [{}], qos: "Burstable" },
  { resources: [{ ...FULL, requests: { cpu: "50m", memory: "64Mi" } }], init: [], qos: "Burstable" },
  { resources: [{ requests: { cpu: "0" } }], init: [], qos: "BestEffort" },
] as const;

for (const { resources, init, qos } of QOS) {
  test(`qosClassOf() ${JSON.stringify([resources, init])} is ${qos}`, () => {
    const named = (list: readonly ResourceRequirements[]): Container[] =>
      list.map((each) => Object.assign({}, APP, { resources: each }));
    assert.equal(qosClassOf({ containers: named(resources), initContainers: named(init) }), qos);
  });
}
