// podrole's containers as injection writes them and as sidecar and kubelet read them: no name and no value that the
// other side does not know.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PlanSettings, plan } from "../../src/injection/plan.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { SIDECAR_SETTINGS, VARIABLES_FOR_OTHERS } from "../../src/sidecar/settings.ts";
import { annotatedPod, ROLE_ANNOTATIONS } from "../webhook/requests.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

function ownContainers(pod: Pod, settings: PlanSettings): readonly Container[] {
  const { spec } = podIn(plan(inShop(pod), settings));
  return [...(spec.initContainers ?? []), ...spec.containers].filter(({ name }) => name.startsWith("podrole-"));
}

/** The environment as the kubelet resolves it. */
function environmentOf({ env }: Container): Record<string, string> {
  return Object.fromEntries(
    (env ?? []).map(({ name, value, valueFrom }) => [name, valueFrom ? "from-the-pod" : (value ?? "")]),
  );
}

test("podroleSidecar() has the pin, and podroleInit() has not, only with --pin-roles; the sidecar ignores it", () => {
  const policy = { ...PLAN_SETTINGS.policy, pinRoles: true as const };
  for (const [settings, expected] of [
    [PLAN_SETTINGS, []],
    [{ ...PLAN_SETTINGS, policy }, ["podrole-sidecar"]],
  ] as const) {
    const containers = ownContainers(annotatedPod(ROLE_ANNOTATIONS), { ...settings, nativeSidecar: false });
    assert.equal(containers.length, 2);
    const withPin = containers.filter(({ env }) => env?.some(({ name }) => name === "PODROLE_PINNED_ROLES"));
    assert.deepEqual(
      withPin.map(({ name }) => name),
      expected,
    );
    for (const container of containers) {
      assert.ok(readSettings(SIDECAR_SETTINGS, {}, environmentOf(container), VARIABLES_FOR_OTHERS).ok);
    }
  }
});

for (const nativeSidecar of [true, false]) {
  test(`podroleInit() and podroleSidecar() set what the sidecar's settings accept, nativeSidecar ${nativeSidecar}`, () => {
    const pod = annotatedPod({ ...ROLE_ANNOTATIONS, "podrole.io/metadata": "enabled" });
    const containers = ownContainers(pod, { ...PLAN_SETTINGS, nativeSidecar });
    assert.deepEqual(
      containers.map(({ name }) => name),
      nativeSidecar ? ["podrole-sidecar"] : ["podrole-init", "podrole-sidecar"],
    );
    for (const container of containers) {
      const read = readSettings(SIDECAR_SETTINGS, {}, environmentOf(container));
      assert.ok(read.ok, JSON.stringify(read));
      assert.deepEqual(read.value.containers, ["app"]);
      assert.equal(read.value.proofFile, "/var/run/podrole/proof/token");
      assert.equal(read.value.terminationMessageFile, container["terminationMessagePath"]);
      assert.equal(read.value.metadata, container.name === "podrole-sidecar");
    }
  });
}

test("podroleSidecar() reads the zone, and a region that no setting gives, from labels that the pod may lack", () => {
  const pod = annotatedPod({ ...ROLE_ANNOTATIONS, "podrole.io/metadata": "enabled" });
  const [sidecar] = ownContainers(pod, { ...PLAN_SETTINGS, region: undefined });
  const fromLabel = (name: string) => sidecar?.env?.find((variable) => variable.name === name)?.valueFrom;
  for (const [variable, label] of [
    ["PODROLE_REGION", "topology.kubernetes.io/region"],
    ["PODROLE_ZONE", "topology.kubernetes.io/zone"],
  ] as const) {
    assert.deepEqual(fromLabel(variable), { fieldRef: { fieldPath: `metadata.labels['${label}']` } });
    // The downward API's value for a missing label, and for a present one.
    for (const value of ["", "eu-central-1b"]) {
      const env = { ...environmentOf(sidecar as Container), [variable]: value };
      const read = readSettings(SIDECAR_SETTINGS, {}, env);
      assert.ok(read.ok, JSON.stringify(read));
      assert.equal(variable === "PODROLE_ZONE" ? read.value.zone : read.value.region, value);
    }
  }
});

test("podroleInit() and podroleSidecar() meet PodSecurity restricted", () => {
  const each = [true, false].flatMap((nativeSidecar) =>
    ownContainers(annotatedPod(), { ...PLAN_SETTINGS, nativeSidecar }),
  );
  assert.equal(each.length, 3);
  for (const container of each) {
    assert.deepEqual(container["securityContext"], {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: "RuntimeDefault" },
    });
  }
});

test("podroleSidecar() delays the other containers by a hook, or without one by a probe", () => {
  const gateOf = (changes: Partial<PlanSettings>) => {
    const sidecar = ownContainers(annotatedPod(), { ...PLAN_SETTINGS, ...changes }).find(
      ({ name }) => name === "podrole-sidecar",
    );
    return { hook: sidecar?.["lifecycle"], probe: sidecar?.["startupProbe"] };
  };
  const hook = {
    postStart: { exec: { command: ["/nodejs/bin/node", "/app/podrole-sidecar.js", "wait", "--init-timeout=30s"] } },
  };
  const probe = {
    httpGet: { path: "/readyz", port: 9764 },
    periodSeconds: 1,
    timeoutSeconds: 30,
    failureThreshold: 300,
  };
  assert.deepEqual(gateOf({ nativeSidecar: true }), { hook, probe: undefined });
  assert.deepEqual(gateOf({ nativeSidecar: true, sidecarCommand: [] }), { hook: undefined, probe });
  assert.deepEqual(gateOf({ nativeSidecar: false }), { hook, probe });
  assert.deepEqual(gateOf({ nativeSidecar: false, sidecarCommand: [] }), { hook: undefined, probe });
});

test("podroleSidecar() is restarted by the kubelet after a minute without an answer, not after slow answers", () => {
  for (const nativeSidecar of [true, false]) {
    const sidecar = ownContainers(annotatedPod(), { ...PLAN_SETTINGS, nativeSidecar }).find(
      ({ name }) => name === "podrole-sidecar",
    );
    const probe = sidecar?.["livenessProbe"] as { readonly timeoutSeconds: number; readonly failureThreshold: number };
    assert.ok(probe.timeoutSeconds >= 10, "seconds allowed for one answer");
    assert.ok(probe.failureThreshold * 10 >= 60, "seconds without any answer, with Kubernetes' period of 10 s");
  }
});

test("podroleSidecar() and podroleInit() get no token for the Kubernetes API from the API server's ServiceAccount plugin", () => {
  // The plugin mounts its volume in every container that mounts nothing there.
  // (https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/admission/serviceaccount/admission.go)
  const directory = "/var/run/secrets/kubernetes.io/serviceaccount";
  for (const nativeSidecar of [true, false]) {
    const settings = { ...PLAN_SETTINGS, nativeSidecar };
    for (const container of ownContainers(annotatedPod(), settings)) {
      const mounts = container.volumeMounts?.filter(({ mountPath }) => mountPath === directory);
      assert.deepEqual(mounts, [{ name: "podrole-proof", mountPath: directory, readOnly: true }], container.name);
    }
    const { containers } = podIn(plan(inShop(annotatedPod()), settings)).spec;
    const app = containers.find(({ name }) => name === "app");
    assert.ok(
      app?.volumeMounts?.every(({ mountPath }) => mountPath !== directory),
      "the app's token stays the app's",
    );
  }
});
