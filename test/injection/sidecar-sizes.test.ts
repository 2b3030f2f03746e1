// The annotations podrole.io/sidecar-{cpu,memory}-{request,limit} of a pod and of its namespace.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import type { Container, Pod, ResourceRequirements } from "../../src/kubernetes/objects.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const ROLE = { "iam.amazonaws.com/role": "shop-a" };
const GUARANTEED = { limits: { cpu: "1", memory: "1Gi" } };

/** Annotations by their end, such as { "cpu-limit": "1" }. */
const sizes = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([end, value]) => [`podrole.io/sidecar-${end}`, value]));

interface Annotated {
  readonly pod?: Readonly<Record<string, string>>;
  readonly namespace?: Readonly<Record<string, string>>;
  readonly resources?: ResourceRequirements;
}

function planned({ pod: ofPod = {}, namespace: ofNamespace = {}, resources }: Annotated) {
  const app: Container = { name: "app", ...(resources && { resources }) };
  const pod: Pod = {
    metadata: { name: "app", annotations: { ...ROLE, ...sizes(ofPod) } },
    spec: { containers: [app] },
  };
  const input = inShop(pod);
  const namespace = { ...input.namespace, annotations: { ...input.namespace.annotations, ...sizes(ofNamespace) } };
  return plan({ ...input, namespace }, PLAN_SETTINGS);
}

const cases: readonly (Annotated & { readonly title: string; readonly expected: ResourceRequirements | undefined })[] =
  [
    {
      title: "the settings where nothing is annotated",
      expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "96Mi" } },
    },
    {
      title: "the pod's value before the namespace's",
      pod: { "memory-limit": "64Mi" },
      namespace: { "memory-limit": "128Mi", "cpu-request": "20m" },
      expected: { requests: { cpu: "20m", memory: "32Mi" }, limits: { memory: "64Mi" } },
    },
    {
      title: "an annotated CPU limit in a pod whose containers have none",
      namespace: { "cpu-limit": "200m" },
      expected: { requests: { cpu: "10m", memory: "32Mi" }, limits: { cpu: "200m", memory: "96Mi" } },
    },
    {
      title: "a request of the settings lowered to an annotated limit",
      pod: { "cpu-limit": "5m" },
      expected: { requests: { cpu: "5m", memory: "32Mi" }, limits: { cpu: "5m", memory: "96Mi" } },
    },
    {
      title: "nothing for none, so that a BestEffort pod stays BestEffort",
      namespace: { "cpu-request": "none", "cpu-limit": "none", "memory-request": "none", "memory-limit": "none" },
      expected: undefined,
    },
    {
      title: "equal requests and limits in a Guaranteed pod, whatever says none",
      namespace: { "cpu-request": "none", "cpu-limit": "none", "memory-request": "none", "memory-limit": "none" },
      resources: GUARANTEED,
      expected: { requests: { cpu: "100m", memory: "96Mi" }, limits: { cpu: "100m", memory: "96Mi" } },
    },
    {
      title: "the annotated CPU in a Guaranteed pod",
      pod: { "cpu-request": "40m", "memory-limit": "64Mi" },
      resources: GUARANTEED,
      expected: { requests: { cpu: "40m", memory: "64Mi" }, limits: { cpu: "40m", memory: "64Mi" } },
    },
  ];

suite("annotatedSizes() gives podrole-sidecar", () => {
  for (const { title, expected, ...annotated } of cases) {
    test(title, () => {
      const [sidecar] = podIn(planned(annotated)).spec.initContainers ?? [];
      assert.equal(sidecar?.name, "podrole-sidecar");
      assert.deepEqual(sidecar.resources, expected);
    });
  }
});

const refusals: readonly (Annotated & { readonly message: string })[] = [
  {
    pod: { "memory-limit": "47Mi" },
    message:
      'Cannot use podrole.io/sidecar-memory-limit: it is "47Mi"; expected a quantity of at least 48Mi, or "none"',
  },
  {
    namespace: { "cpu-request": "much" },
    message:
      'Cannot use podrole.io/sidecar-cpu-request of the namespace: it is "much"; expected a quantity above 0, or "none"',
  },
  {
    pod: { "cpu-limit": "" },
    message: 'Cannot use podrole.io/sidecar-cpu-limit: it is ""; expected a quantity above 0, or "none"',
  },
  {
    pod: { "memory-request": "128Mi" },
    message:
      'Cannot use podrole.io/sidecar-memory-request: it is "128Mi", above the limit "96Mi"; expected at most the limit, or a higher podrole.io/sidecar-memory-limit',
  },
];

for (const { message, ...annotated } of refusals) {
  test(`annotatedSizes() refuses ${JSON.stringify(annotated)} with ANNOTATION_INVALID`, () => {
    const { decision, reason, message: said } = planned(annotated);
    assert.deepEqual([decision, reason, said], ["refuse", "ANNOTATION_INVALID", message]);
  });
}

test("annotatedSizes() is not asked about a pod without a role", () => {
  const pod: Pod = {
    metadata: { name: "app", annotations: sizes({ "memory-limit": "1Mi" }) },
    spec: { containers: [{ name: "app" }] },
  };
  assert.equal(plan(inShop(pod), PLAN_SETTINGS).reason, "NO_ROLE");
});
