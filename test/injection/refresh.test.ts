// podrole's containers in pods that are injected already: restored backups, and what other webhooks did to them.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import { type NamespaceLimits, NO_LIMITS, namespaceLimits } from "../../src/injection/namespace-limits.ts";
import { type PlanSettings, plan } from "../../src/injection/plan.ts";
import type { Container, EnvVar, Pod } from "../../src/kubernetes/objects.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const POD: Pod = {
  metadata: { name: "app", annotations: { "iam.amazonaws.com/role": "shop-a" } },
  spec: { containers: [{ name: "app" }] },
};
const injectedWith = (settings: PlanSettings, pod = POD) => podIn(plan(inShop(pod), settings));
const ownContainers = ({ spec }: Pod): readonly Container[] =>
  [...(spec.initContainers ?? []), ...spec.containers].filter(({ name }) => name.startsWith("podrole-"));

/** The pod with podrole's containers as another webhook leaves them. */
function withOwnChanged(pod: Pod, change: (container: Container) => Container): Pod {
  const changed = (list: readonly Container[] = []) =>
    list.map((each) => (each.name.startsWith("podrole-") ? change(each) : each));
  const { metadata, spec } = pod;
  return {
    metadata,
    spec: { ...spec, initContainers: changed(spec.initContainers), containers: changed(spec.containers) },
  };
}

const ELSEWHERE: PlanSettings = {
  ...PLAN_SETTINGS,
  image: "other.example/podrole-sidecar:0.9",
  serverAddress: "podrole-server.iam.svc:8444",
  identityAddress: "podrole-server.iam.svc:8443",
  serverName: "podrole-server.iam.svc",
  trustBundle: "-----BEGIN CERTIFICATE-----\nT3RoZXI=\n-----END CERTIFICATE-----\n",
  sidecarCommand: [],
};

suite("refreshOwnContainer()", () => {
  for (const nativeSidecar of [true, false]) {
    for (const key of ["serverAddress", "identityAddress", "serverName", "trustBundle"] as const) {
      test(`replaces the whole container where ${key} is another installation's, nativeSidecar ${nativeSidecar}`, () => {
        const { image, sidecarCommand } = ELSEWHERE;
        const elsewhere = { ...PLAN_SETTINGS, image, sidecarCommand, [key]: ELSEWHERE[key], nativeSidecar };
        const backup = injectedWith(elsewhere);
        const settings = { ...PLAN_SETTINGS, nativeSidecar };
        const restored = injectedWith(settings, backup);
        assert.deepEqual(ownContainers(restored), ownContainers(injectedWith(settings)));
        assert.deepEqual(applyPatch(backup, [...patchBetween(backup, restored)]), restored);
        assert.equal(plan(inShop(restored), settings).reason, "ALREADY_INJECTED");
      });
    }
  }

  test("keeps a mirror's registry before the image, also when the trust bundle has been replaced", () => {
    const image = "mirror.internal/registry.example/podrole-sidecar:1";
    for (const settings of [PLAN_SETTINGS, { ...PLAN_SETTINGS, trustBundle: ELSEWHERE.trustBundle }]) {
      const mirrored = withOwnChanged(injectedWith(settings), (container) => ({ ...container, image }));
      assert.deepEqual(
        ownContainers(injectedWith(PLAN_SETTINGS, mirrored)).map((container) => container.image),
        [image],
      );
    }
  });

  test("removes variables of others that keep Node from starting or connecting, and leaves the rest", () => {
    const disturbing = ["NODE_OPTIONS", "NODE_USE_ENV_PROXY", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "https_proxy"];
    const others = [...disturbing, "no_proxy", "SSL_CERT_FILE", "LD_PRELOAD", "CLUSTER", "NODENAME"];
    const variables: readonly EnvVar[] = others.map((name) => ({ name, value: "x" }));
    const changed = withOwnChanged(injectedWith(PLAN_SETTINGS), (container) => ({
      ...container,
      env: [...variables, ...(container.env ?? [])],
      envFrom: [{ configMapRef: { name: "proxy" } }],
    }));
    const again = injectedWith(PLAN_SETTINGS, changed);
    const [sidecar] = ownContainers(again);
    const [untouched] = ownContainers(injectedWith(PLAN_SETTINGS));
    const kept = variables.filter(({ name }) => name === "CLUSTER" || name === "NODENAME");
    assert.deepEqual(sidecar, { ...untouched, env: [...kept, ...(untouched?.env ?? [])] });
    assert.deepEqual(applyPatch(changed, [...patchBetween(changed, again)]), again);
    assert.equal(plan(inShop(again), PLAN_SETTINGS).reason, "ALREADY_INJECTED");
  });

  for (const nativeSidecar of [true, false]) {
    const settings = { ...PLAN_SETTINGS, nativeSidecar };
    const injected = injectedWith(settings);
    const planIn = (pod: Pod, limits: NamespaceLimits, annotations: Readonly<Record<string, string>> = {}) => {
      const { namespace, ...input } = inShop(pod);
      const placed = { ...namespace, annotations: { ...namespace.annotations, ...annotations }, limits };
      return plan({ ...input, namespace: placed }, settings);
    };
    const ofMemory = (pod: Pod) => ownContainers(pod).map(({ resources }) => resources?.limits?.["memory"]);

    test(`fits sizes that the command line has set to the namespace's LimitRange, nativeSidecar ${nativeSidecar}`, () => {
      const limits = namespaceLimits(
        [{ metadata: { name: "sizes" }, spec: { limits: [{ type: "Container", max: { memory: "64Mi" } }] } }],
        [],
      );
      const fitted = podIn(planIn(injected, limits));
      assert.deepEqual(ofMemory(fitted), nativeSidecar ? ["64Mi"] : ["64Mi", "64Mi"]);
      assert.deepEqual(ownContainers(fitted), ownContainers(podIn(planIn(POD, limits))));
      assert.deepEqual(applyPatch(injected, [...patchBetween(injected, fitted)]), fitted);
      assert.equal(planIn(fitted, limits).reason, "ALREADY_INJECTED");
    });

    test(`sets the sizes of the namespace's annotations, nativeSidecar ${nativeSidecar}`, () => {
      const annotations = { "podrole.io/sidecar-memory-limit": "128Mi" };
      const sized = podIn(planIn(injected, NO_LIMITS, annotations));
      assert.deepEqual(ofMemory(sized), nativeSidecar ? ["128Mi"] : ["128Mi", "128Mi"]);
    });

    test(`keeps sizes that another webhook has set and every rule accepts, nativeSidecar ${nativeSidecar}`, () => {
      const resources = { requests: { cpu: "30m", memory: "50Mi", "example.com/x": "1" }, limits: { memory: "80Mi" } };
      const changed = withOwnChanged(injected, (container) => ({ ...container, resources }));
      const limits = namespaceLimits(
        [{ metadata: { name: "sizes" }, spec: { limits: [{ type: "Container", min: { memory: "48Mi" } }] } }],
        [],
      );
      assert.equal(planIn(changed, limits).reason, "ALREADY_INJECTED");
    });
  }
});
