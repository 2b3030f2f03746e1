// Single rules of plan() that a test states more plainly than a folder of fixtures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import { SKIP_REASONS } from "../../src/injection/skip-reasons.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const ROLE = { "iam.amazonaws.com/role": "shop-a" };

function podWith(annotations: Record<string, string>, containers: Container[] = [{ name: "app" }]): Pod {
  return { metadata: { name: "app", annotations }, spec: { containers } };
}

const refusals: readonly { readonly annotations: Record<string, string>; readonly code: keyof typeof ERRORS }[] = [
  { annotations: { "iam.amazonaws.com/role": "" }, code: "ROLE_INVALID" },
  { annotations: { "iam.amazonaws.com/role": "arn:foo" }, code: "ROLE_INVALID" },
  { annotations: { "iam.amazonaws.com/role": "a".repeat(10_000) }, code: "ROLE_INVALID" },
  { annotations: { "iam.amazonaws.com/role": "shop\u0000a" }, code: "ROLE_INVALID" },
  { annotations: { "iam.amazonaws.com/role": "shop-a\n" }, code: "ROLE_INVALID" },
  { annotations: { ...ROLE, "podrole.io/mode": "Native" }, code: "ANNOTATION_INVALID" },
  { annotations: { ...ROLE, "podrole.io/inject": "x".repeat(10_000) }, code: "ANNOTATION_INVALID" },
  { annotations: { ...ROLE, "podrole.io/metadata": "" }, code: "ANNOTATION_INVALID" },
  { annotations: { ...ROLE, "iam.amazonaws.com/session-name": "a b" }, code: "ANNOTATION_INVALID" },
  { annotations: { ...ROLE, "podrole.io/containers": `app,${"x".repeat(10_000)}` }, code: "CONTAINER_UNKNOWN" },
  { annotations: { ...ROLE, [`iam.amazonaws.com/role.${"x".repeat(10_000)}`]: "y" }, code: "CONTAINER_UNKNOWN" },
  { annotations: { "iam.amazonaws.com/role": "payments" }, code: "ROLE_FORBIDDEN" },
];

for (const { annotations, code } of refusals) {
  test(`plan() refuses ${JSON.stringify(annotations).slice(0, 80)} with ${code} in one short sentence`, () => {
    const { decision, reason, message } = plan(inShop(podWith(annotations)), PLAN_SETTINGS);
    assert.equal(decision, "refuse");
    assert.equal(reason, code);
    assert.match(message, /^Cannot /);
    assert.ok(message.length < 400, message);
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(message, /[\u0000-\u001f]/);
  });
}

test("plan() names the field whose type is wrong", () => {
  const broken = { metadata: {}, spec: { containers: [{ name: "app" }, { name: "b", env: [{ name: 1 }] }] } };
  const { message, reason } = plan(inShop(broken as unknown as Pod), PLAN_SETTINGS);
  assert.equal(reason, "REQUEST_INVALID");
  assert.equal(message, "Cannot read the pod: spec.containers[1].env[0].name is a number; expected a string");
});

test("plan() treats null as absent, as YAML writes it", () => {
  const pod = {
    metadata: { labels: null, annotations: ROLE },
    spec: {
      containers: [{ name: "app", env: null, volumeMounts: null, resources: null }],
      initContainers: null,
      volumes: null,
    },
  } as unknown as Pod;
  const made = plan(inShop(pod), PLAN_SETTINGS);
  assert.equal(made.reason, "INJECTED");
  for (const { op } of patchBetween(pod, made.pod)) assert.equal(op, "add");
});

test("plan() skips a pod without containers, and one in a namespace without the label", () => {
  assert.equal(plan(inShop(podWith(ROLE, [])), PLAN_SETTINGS).reason, "NO_CONTAINER");
  const unlabelled = { ...inShop(podWith(ROLE)), namespace: { name: "shop", labels: {}, annotations: {} } };
  assert.equal(plan(unlabelled, PLAN_SETTINGS).reason, "NAMESPACE_NOT_LABELLED");
});

test("plan() warns about a port that another webhook's container declares after podrole-sidecar chose it", () => {
  const first = podIn(plan(inShop(podWith(ROLE)), PLAN_SETTINGS));
  const late: Container = { name: "late", ports: [{ containerPort: 9763 }] };
  const pod = { ...first, spec: { ...first.spec, containers: [...first.spec.containers, late] } };
  const again = plan(inShop(pod), PLAN_SETTINGS);
  assert.ok(again.warnings.some(({ code, text }) => code === "PORT_CONFLICT" && text.includes("port 9763")));
  const sidecar = podIn(again).spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
  assert.equal(sidecar?.env?.find(({ name }) => name === "PODROLE_PORT")?.value, "9763");
});

test("plan() keeps the mode of an injected pod when the cluster's setting has changed since", () => {
  const classic = podIn(plan(inShop(podWith(ROLE)), { ...PLAN_SETTINGS, nativeSidecar: false }));
  const again = plan(inShop(classic), PLAN_SETTINGS);
  assert.equal(again.reason, "ALREADY_INJECTED");
});

test("plan() refuses an injected pod with a foreign volume in place of its token", () => {
  const labelled = podIn(plan(inShop(podWith(ROLE)), PLAN_SETTINGS));
  const mounts = [{ name: "mine", mountPath: "/var/run/secrets//podrole.io/" }];
  const pod = { ...labelled, spec: { ...labelled.spec, containers: [{ name: "app", volumeMounts: mounts }] } };
  assert.equal(plan(inShop(pod), PLAN_SETTINGS).reason, "NAME_RESERVED");
});

test("SKIP_REASONS and ERRORS share no key, so that every reason is one or the other", () => {
  for (const id of Object.keys(SKIP_REASONS)) assert.ok(!Object.hasOwn(ERRORS, id), id);
});

test("plan() summarizes in one sentence which container gets which role", () => {
  const containers = [{ name: "app" }, { name: "helper" }, { name: "other" }];
  const pod = podWith({ ...ROLE, "iam.amazonaws.com/role.other": "shop-b" }, containers);
  assert.equal(
    plan(inShop(pod), PLAN_SETTINGS).message,
    "podrole is injected; app, helper: arn:aws:iam::123456789012:role/shop-a; other: arn:aws:iam::123456789012:role/shop-b",
  );
});

const METADATA = { ...ROLE, "podrole.io/metadata": "enabled" };

for (const { title, annotations = METADATA, containers, state } of [
  {
    title: "two roles",
    annotations: { ...METADATA, "iam.amazonaws.com/role.other": "shop-b" },
    containers: [{ name: "app" }, { name: "other" }],
    state: "its containers have 2 roles",
  },
  {
    title: "a container without a role",
    annotations: { ...METADATA, "podrole.io/containers": "app" },
    containers: [{ name: "app" }, { name: "other" }],
    state: 'container "other" has no role',
  },
  {
    title: "a mesh's proxy",
    containers: [{ name: "app" }, { name: "istio-proxy" }],
    state: 'container "istio-proxy" has no role',
  },
  {
    title: "a mesh's proxy, without metadata tokens",
    annotations: { ...ROLE, "podrole.io/metadata": "enabled-v1" },
    containers: [{ name: "app" }, { name: "istio-proxy" }],
    state: 'container "istio-proxy" has no role',
  },
]) {
  test(`plan() refuses podrole.io/metadata with ANNOTATION_INVALID for ${title}`, () => {
    const { decision, reason, message } = plan(inShop(podWith(annotations, containers)), PLAN_SETTINGS);
    assert.deepEqual([decision, reason], ["refuse", "ANNOTATION_INVALID"]);
    assert.ok(message.startsWith(`Cannot use podrole.io/metadata: ${state}; expected one role`), message);
  });
}

for (const [value, decision] of [
  ["enabled", "inject"],
  ["enabled-v1", "inject"],
  ["enabled-v3", "refuse"],
  ["true", "refuse"],
] as const) {
  test(`plan() answers podrole.io/metadata: ${value} with ${decision} where all containers share one role`, () => {
    const pod = podWith({ ...ROLE, "podrole.io/metadata": value }, [{ name: "app" }, { name: "helper" }]);
    const made = plan(inShop(pod), PLAN_SETTINGS);
    assert.equal(made.decision, decision);
    if (decision === "refuse") {
      assert.match(made.message, /; expected "enabled" or "enabled-v1" or "disabled"$/);
      return;
    }
    const env = podIn(made).spec.initContainers?.[0]?.env ?? [];
    const metadata = env
      .filter(({ name }) => name.startsWith("PODROLE_METADATA"))
      .map(({ name, value: text }) => [name, text]);
    const version1 = value === "enabled-v1" ? [["PODROLE_METADATA_V1", "true"]] : [];
    assert.deepEqual(metadata, [["PODROLE_METADATA", "true"], ...version1]);
  });
}

test("plan() keeps a metadata endpoint that the pod sets itself, and warns", () => {
  const own = { name: "AWS_EC2_METADATA_SERVICE_ENDPOINT", value: "http://127.0.0.1:1338" };
  const pod = podWith({ ...ROLE, "podrole.io/metadata": "enabled" }, [{ name: "app", env: [own] }]);
  const made = plan(inShop(pod), PLAN_SETTINGS);
  const { warnings } = made;
  assert.deepEqual(
    podIn(made).spec.containers[0]?.env?.find(({ name }) => name === own.name),
    own,
  );
  const text = `container "app" sets ${own.name}: podrole keeps that value, so SDKs do not request podrole's metadata paths`;
  assert.deepEqual(warnings, [{ code: "METADATA_ENDPOINT_FOREIGN", text }]);
});

test("plan() compares at most 500 annotations of a pod with the names that podrole reads", () => {
  const unknown = Array.from({ length: 2_000 }, (_, index) => [`podrole.io/unknown-${index}`, ""]);
  const { decision, warnings } = plan(inShop(podWith({ ...ROLE, ...Object.fromEntries(unknown) })), PLAN_SETTINGS);
  assert.equal(decision, "inject");
  assert.equal(warnings.filter(({ code }) => code === "ANNOTATION_UNKNOWN").length, 499);
});
