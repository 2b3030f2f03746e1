// What holds a pod's other containers back: podrole-init in a Guaranteed pod that has reserved its CPU anyway, and
// otherwise the hook or the probe.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { parseQuantity } from "../../src/kubernetes/quantity.ts";
import { fc } from "../property.ts";
import { annotatedPod, ROLE_ANNOTATIONS } from "../webhook/requests.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const exactly = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });

function podWith(resources: Container["resources"], more: Partial<Pod["spec"]> = {}): Pod {
  const pod = annotatedPod(ROLE_ANNOTATIONS);
  const containers = pod.spec.containers.map((container) => ({ ...container, ...(resources && { resources }) }));
  return { ...pod, spec: { ...pod.spec, containers, ...more } };
}

const injected = (pod: Pod): Pod => podIn(plan(inShop(pod), PLAN_SETTINGS));
const initsOf = ({ spec }: Pod): readonly Container[] => spec.initContainers ?? [];
const namesOf = (pod: Pod) => initsOf(pod).map(({ name }) => name);

/** What Kubernetes reserves for the pod, in nano units, as its documentation on sidecars says. */
function reserved({ spec }: Pod, resource: "cpu" | "memory"): bigint {
  const of = ({ resources }: Container) => parseQuantity(resources?.requests?.[resource]) ?? 0n;
  let [sidecars, peak] = [0n, 0n];
  for (const init of spec.initContainers ?? []) {
    if (init.restartPolicy === "Always") sidecars += of(init);
    const together = init.restartPolicy === "Always" ? sidecars : sidecars + of(init);
    if (together > peak) peak = together;
  }
  const running = spec.containers.reduce((sum, container) => sum + of(container), sidecars);
  return running > peak ? running : peak;
}

const gateOf = (pod: Pod) => {
  const sidecar = initsOf(pod).find(({ name }) => name === "podrole-sidecar");
  if (namesOf(pod).includes("podrole-init")) return "init";
  return sidecar?.["lifecycle"] ? "hook" : sidecar?.["startupProbe"] ? "probe" : "none";
};

test("chooseGate() puts podrole-init between the sidecar and the first container with a role of a Guaranteed pod", () => {
  const own = { name: "migrate", image: "app", resources: exactly("1", "1Gi") };
  const pod = injected(podWith(exactly("500m", "128Mi"), { initContainers: [own] }));
  assert.deepEqual(namesOf(pod), ["podrole-sidecar", "podrole-init", "migrate"]);
  const [sidecar, init] = initsOf(pod);
  assert.deepEqual(init?.args, ["hold"]);
  assert.equal(init?.restartPolicy, undefined, "an ordinary init container");
  assert.ok(!sidecar?.["lifecycle"] && !sidecar?.["startupProbe"], "neither a hook nor a probe");
  assert.equal(sidecar?.env?.find(({ name }) => name === "PODROLE_START_HOOK")?.value, "true");
});

for (const [expected, title, pod] of [
  ["init", "Guaranteed", podWith(exactly("500m", "128Mi"))],
  ["init", "Guaranteed, and restarts on failure", podWith(exactly("500m", "128Mi"), { restartPolicy: "OnFailure" })],
  ["hook", "Guaranteed with less memory than podrole-init needs", podWith(exactly("500m", "95Mi"))],
  ["hook", "Guaranteed with no more CPU than the sidecar", podWith(exactly("100m", "1Gi"))],
  ["hook", "Burstable", podWith({ requests: { cpu: "100m" }, limits: { cpu: "500m", memory: "1Gi" } })],
  ["hook", "BestEffort", podWith(undefined)],
  ["probe", "BestEffort, and restarts on failure", podWith(undefined, { restartPolicy: "OnFailure" })],
  ["hook", "sized as a whole", podWith(exactly("500m", "128Mi"), { resources: exactly("2", "2Gi") })],
] as const) {
  test(`chooseGate() chooses the ${expected} for a pod that is ${title}`, () => {
    assert.equal(gateOf(injected(pod)), expected);
  });
}

test("chooseGate() with podrole-init reserves no more than without it, and keeps the class of a Guaranteed pod", () => {
  const amounts = fc.record({ cpu: fc.integer({ min: 1, max: 3_000 }), memory: fc.integer({ min: 16, max: 512 }) });
  fc.assert(
    fc.property(
      fc.array(amounts, { minLength: 1, maxLength: 3 }),
      fc.array(amounts, { maxLength: 2 }),
      (apps, early) => {
        const container = (prefix: string) => (one: { cpu: number; memory: number }, index: number) => ({
          name: index === 0 && prefix === "app" ? "app" : `${prefix}-${index}`,
          image: "x",
          resources: exactly(`${one.cpu}m`, `${one.memory}Mi`),
        });
        const own = podWith(undefined, {
          containers: apps.map(container("app")),
          initContainers: early.map(container("early")),
        });
        const pod = injected(own);
        for (const { resources } of [...initsOf(pod), ...pod.spec.containers])
          assert.deepEqual(resources?.requests, resources?.limits);
        const inits = initsOf(pod).filter(({ name }) => name !== "podrole-init");
        const without = { ...pod, spec: { ...pod.spec, initContainers: [...inits] } };
        for (const resource of ["cpu", "memory"] as const)
          assert.equal(reserved(pod, resource), reserved(without, resource), resource);
      },
    ),
  );
});

test("inject() moves podrole-init in front of a container with a role that another webhook put before it", () => {
  const pod = injected(podWith(exactly("500m", "128Mi")));
  const other = { name: "late", image: "x", resources: exactly("10m", "16Mi") };
  const annotations = { ...pod.metadata.annotations, "iam.amazonaws.com/role": "shop-orders" };
  const initContainers = initsOf(pod).toSpliced(1, 0, other);
  const again = injected({ metadata: { ...pod.metadata, annotations }, spec: { ...pod.spec, initContainers } });
  assert.deepEqual(namesOf(again), ["podrole-sidecar", "podrole-init", "late"]);
  assert.deepEqual(injected(again), again, "a third call changes nothing");
});

test("inject() leaves a podrole-init of an earlier version in front of the sidecar, and does not make it wait", () => {
  const own = podWith(exactly("500m", "128Mi"));
  const classic = podIn(plan(inShop(own), { ...PLAN_SETTINGS, nativeSidecar: false }));
  const init = initsOf(classic).find(({ name }) => name === "podrole-init");
  const native = injected(podWith({ requests: { cpu: "10m" } }));
  const mixed = {
    ...native,
    spec: { ...native.spec, containers: own.spec.containers, initContainers: [init as Container, ...initsOf(native)] },
  };
  const pod = injected(mixed);
  assert.deepEqual(namesOf(pod), ["podrole-init", "podrole-sidecar"]);
  assert.deepEqual(initsOf(pod)[0]?.args, ["init"]);
});

test("uninject() removes podrole-init together with the sidecar", () => {
  const own = podWith(exactly("500m", "128Mi"));
  assert.deepEqual(namesOf(uninject(injected(own), { pullSecrets: [], region: undefined })), []);
});
