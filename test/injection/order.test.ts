// Other injectors, before and after podrole, in any order: no container with a role starts before podrole-sidecar.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { fc } from "../property.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

type Injector = (pod: Pod) => Pod;

function withContainers(
  { metadata, spec }: Pod,
  change: (inits: Container[], apps: Container[]) => [Container[], Container[]],
): Pod {
  const [initContainers, containers] = change([...(spec.initContainers ?? [])], [...spec.containers]);
  return { metadata, spec: { ...spec, initContainers, containers } };
}

const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: "x", ...more });
const has = (list: readonly Container[], name: string) => list.some((one) => one.name === name);
const prepended =
  (name: string, more?: Partial<Container>): Injector =>
  (pod) =>
    withContainers(pod, (inits, apps) => [has(inits, name) ? inits : [container(name, more), ...inits], apps]);
const appended =
  (name: string): Injector =>
  (pod) =>
    withContainers(pod, (inits, apps) => [inits, has(apps, name) ? apps : [...apps, container(name)]]);

/** What each injector does to a pod; the second time nothing, as theirs. */
const INJECTORS: Readonly<Record<string, Injector>> = {
  "vault (agent-init-first)": (pod) => appended("vault-agent")(prepended("vault-agent-init")(pod)),
  vault: (pod) =>
    withContainers(pod, (inits, apps) =>
      has(inits, "vault-agent-init") ? [inits, apps] : [[...inits, container("vault-agent-init")], apps],
    ),
  "bank-vaults": prepended("copy-vault-env"),
  "istio (native)": (pod) =>
    withContainers(pod, (inits, apps) =>
      has(inits, "istio-proxy") || has(apps, "istio-proxy")
        ? [inits, apps]
        : [[container("istio-init"), container("istio-proxy", { restartPolicy: "Always" }), ...inits], apps],
    ),
  "istio (ordinary)": (pod) =>
    withContainers(pod, (inits, apps) =>
      has(inits, "istio-proxy") || has(apps, "istio-proxy")
        ? [inits, apps]
        : [
            [...inits, container("istio-init")],
            [container("istio-proxy"), ...apps],
          ],
    ),
  "linkerd (native)": (pod) =>
    withContainers(pod, (inits, apps) =>
      has(inits, "linkerd-proxy")
        ? [inits, apps]
        : [[container("linkerd-init"), container("linkerd-proxy", { restartPolicy: "Always" }), ...inits], apps],
    ),
  dapr: appended("daprd"),
  consul: (pod) => appended("consul-dataplane")(prepended("consul-connect-inject-init")(pod)),
};

const apps = fc.constantFrom<Pod["spec"]>(
  { containers: [container("app")] },
  { containers: [container("app"), container("helper")], initContainers: [container("migrate")] },
);
const sequences = fc.array(fc.constantFrom(...Object.keys(INJECTORS)), { maxLength: 6 });
const MESH = /^(istio|linkerd)-/;

suite("plan() among other injectors", () => {
  for (const mode of ["native", "classic"] as const) {
    test(`starts podrole-sidecar before every container with a role, except a mesh's, in ${mode} mode`, () => {
      fc.assert(
        fc.property(apps, sequences, sequences, (spec, first, later) => {
          const annotations = { "iam.amazonaws.com/role": "shop-a", "podrole.io/mode": mode };
          const original: Pod = { metadata: { name: "app", annotations }, spec };
          const injectors = (names: readonly string[], pod: Pod) =>
            names.reduce((at, name) => INJECTORS[name]?.(at) ?? at, pod);
          const admitted = (pod: Pod): Pod => {
            const made = plan(inShop(pod), PLAN_SETTINGS);
            assert.ok(made.decision === "inject", made.message);
            patchBetween(pod, made.pod);
            return made.pod;
          };
          const pod = admitted(injectors(later, admitted(injectors(first, original))));
          assert.equal(plan(inShop(pod), PLAN_SETTINGS).reason, "ALREADY_INJECTED");
          const list = mode === "native" ? (pod.spec.initContainers ?? []) : pod.spec.containers;
          const at = list.findIndex(({ name }) => name === "podrole-sidecar");
          const early = list.slice(0, at).map(({ name }) => name);
          assert.deepEqual(
            early.filter((name) => !MESH.test(name)),
            [],
          );
          // No traffic may be redirected to a proxy that has not started.
          const hasOrdinaryProxy = pod.spec.containers.some(({ name }) => name === "istio-proxy");
          if (mode === "native" && hasOrdinaryProxy)
            assert.deepEqual(
              early.filter((name) => name === "istio-init"),
              [],
            );
          // Taking podrole out leaves the others in their order.
          const names = ({ spec: { initContainers, containers } }: Pod) =>
            [...(initContainers ?? []), ...containers].map((one) => one.name);
          const without = injectors(later, injectors(first, original));
          if (first.length === 0 || later.length === 0)
            assert.deepEqual(names(uninject(pod, { region: undefined })).toSorted(), names(without).toSorted());
        }),
        { numRuns: 300 },
      );
    });
  }

  test("moves podrole-sidecar before a container that another webhook put in front, and leaves one without a role there", () => {
    const annotations = { "iam.amazonaws.com/role": "shop-a", "podrole.io/containers": "app,vault-agent-init" };
    const original: Pod = {
      metadata: { name: "app", annotations },
      spec: {
        containers: [container("app"), container("vault-agent-init2")],
        initContainers: [container("vault-agent-init")],
      },
    };
    const once = plan(inShop(original), PLAN_SETTINGS);
    assert.ok(once.decision === "inject");
    const [own, vault] = once.pod.spec.initContainers ?? [];
    assert.ok(own && vault);
    const order = (inits: readonly Container[]) => {
      const again = plan(
        inShop({ ...once.pod, spec: { ...once.pod.spec, initContainers: [...inits] } }),
        PLAN_SETTINGS,
      );
      assert.ok(again.decision === "inject");
      return again.pod.spec.initContainers?.map(({ name }) => name);
    };
    assert.deepEqual(order([vault, own]), ["podrole-sidecar", "vault-agent-init"]);
    assert.deepEqual(order([container("cni-check"), own, vault]), ["cni-check", "podrole-sidecar", "vault-agent-init"]);
    const moved = { ...once.pod, spec: { ...once.pod.spec, initContainers: [vault, own] } };
    assert.deepEqual(patchBetween(moved, once.pod), [
      { op: "move", from: "/spec/initContainers/1", path: "/spec/initContainers/0" },
    ]);
  });
});
