import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { findForeignPart, isInjected } from "../../src/injection/parts.ts";
import type { Container, Pod, Volume } from "../../src/kubernetes/objects.ts";
import { injectedPod } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/pods/", import.meta.url));
const cases = readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, "expected-pod.yaml")));
const read = (name: string, file: string) => parse(readFileSync(join(FOLDER, name, file), "utf8")) as Pod;

suite("isInjected()", () => {
  for (const name of cases) {
    test(`recognises what injection makes of fixtures/pods/${name}, also without the label`, () => {
      const pod = read(name, "expected-pod.yaml");
      assert.equal(findForeignPart(pod), undefined);
      assert.equal(isInjected(pod), true);
      const { labels: _labels, ...metadata } = pod.metadata;
      assert.equal(isInjected({ ...pod, metadata }), true);
    });
  }

  test("recognises a pod of an earlier version, with a mirrored image and after other webhooks", () => {
    const pod = read("reinvoked-with-added-container", "pod.yaml");
    assert.equal(isInjected(pod), true);
    assert.equal(findForeignPart(pod, PLAN_SETTINGS.image), undefined);
  });

  for (const name of ["one-role", "host-network", "not-labelled", "reinvoked-with-lost-parts"]) {
    test(`is false for fixtures/pods/${name}, even with the label`, () => {
      const pod = read(name, "pod.yaml");
      const labels = { ...pod.metadata.labels, "podrole.io/injected": "true" };
      assert.equal(isInjected({ ...pod, metadata: { ...pod.metadata, labels } }), false);
    });
  }
});

function named<Item extends { readonly name: string }>(items: readonly Item[] | undefined, name: string): Item {
  const found = items?.find((item) => item.name === name);
  assert.ok(found, name);
  return found;
}
const all = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers];
const sidecar = (pod: Pod) => named(all(pod), "podrole-sidecar");
const volume = (pod: Pod, name: string): Volume => named(pod.spec.volumes, name);
const app = (pod: Pod) => named(all(pod), "app");
const addPin = (container: Container, pin: object) =>
  (container.env = [...(container.env ?? []), { name: "PODROLE_PINNED_ROLES", ...pin }]);
const securityContext = (pod: Pod) => sidecar(pod)["securityContext"] as Record<string, unknown>;

const FOREIGN: readonly (readonly [string, (pod: Pod) => void])[] = [
  ["a command of its own", (pod) => (sidecar(pod).command = ["sh"])],
  ["other arguments", (pod) => (sidecar(pod).args = ["serve", "--port=1"])],
  ["no arguments", (pod) => delete sidecar(pod).args],
  ["a pin from elsewhere", (pod) => addPin(sidecar(pod), { valueFrom: { fieldRef: { fieldPath: "metadata.name" } } })],
  ["a pin without a value", (pod) => addPin(sidecar(pod), {})],
  ["two pins", (pod) => ["a", "b"].forEach((value) => addPin(sidecar(pod), { value }))],
  ["a privileged sidecar", (pod) => (securityContext(pod)["privileged"] = true)],
  ["privilege escalation", (pod) => (securityContext(pod)["allowPrivilegeEscalation"] = true)],
  ["added capabilities", (pod) => (securityContext(pod)["capabilities"] = { add: ["NET_RAW"] })],
  [
    "a sidecar without one of its volumes",
    (pod) => {
      const mounts = sidecar(pod).volumeMounts ?? [];
      mounts.splice(
        mounts.findIndex(({ mountPath }) => mountPath === "/var/run/podrole/proof"),
        1,
      );
    },
  ],
  [
    "podrole's volume at another path",
    (pod) => Object.assign(sidecar(pod).volumeMounts?.[1] ?? {}, { mountPath: "/" }),
  ],
  [
    "a folder of the node as identity",
    (pod) => replaceSource(volume(pod, "podrole-identity"), { hostPath: { path: "/" } }),
  ],
  ["an identity on disk", (pod) => replaceSource(volume(pod, "podrole-identity"), { emptyDir: {} })],
  ["tokens from a Secret", (pod) => replaceSource(volume(pod, "podrole-tokens"), { secret: { secretName: "x" } })],
  [
    "a proof from a Secret",
    (pod) => replaceSource(volume(pod, "podrole-proof"), { projected: { sources: [{ secret: {} }] } }),
  ],
  ["a volume of two kinds", (pod) => Object.assign(volume(pod, "podrole-tokens"), { hostPath: { path: "/" } })],
  ["a peer with the pod's key", (pod) => app(pod).volumeMounts?.push({ name: "podrole-identity", mountPath: "/k" })],
  ["a peer with the proof", (pod) => app(pod).volumeMounts?.push({ name: "podrole-proof", mountPath: "/k" })],
  ["a peer with all tokens", (pod) => app(pod).volumeMounts?.push({ name: "podrole-tokens", mountPath: "/k" })],
  ["a peer with another's token", (pod) => Object.assign(app(pod).volumeMounts?.[0] ?? {}, { subPath: "other" })],
  ["a peer that can write its token", (pod) => Object.assign(app(pod).volumeMounts?.[0] ?? {}, { readOnly: false })],
];

function replaceSource(target: Volume, source: Record<string, unknown>): void {
  for (const key of Object.keys(target)) if (key !== "name") delete target[key];
  Object.assign(target, source);
}

suite("findForeignPart()", () => {
  for (const [what, change] of FOREIGN) {
    test(`finds ${what}`, () => {
      const pod = injectedPod();
      assert.equal(findForeignPart(pod), undefined);
      change(pod);
      assert.notEqual(findForeignPart(pod), undefined);
      assert.equal(isInjected(pod), false);
    });
  }

  test("finds a sidecar among the init containers that is none, and a podrole-init that is an ordinary container", () => {
    const native = injectedPod();
    delete sidecar(native).restartPolicy;
    assert.match(findForeignPart(native) ?? "", /not a sidecar/);
    const classic = injectedPod({ name: "web" }, { mode: "classic" });
    assert.equal(findForeignPart(classic), undefined);
    const [init] = classic.spec.initContainers?.splice(0, 1) ?? [];
    classic.spec.containers.push(init as Container);
    assert.match(findForeignPart(classic) ?? "", /not an init container/);
  });

  test("accepts what other webhooks and the API server add to podrole's container", () => {
    const pod = injectedPod();
    const own = sidecar(pod);
    own.env?.push({ name: "CLUSTER", value: "blue" });
    own.volumeMounts?.push({ name: "kube-api-access-x", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" });
    own.resources = {};
    own["livenessProbe"] = undefined;
    (volume(pod, "podrole-proof")["projected"] as Record<string, unknown>)["defaultMode"] = 420;
    delete own["securityContext"];
    assert.equal(findForeignPart(pod), undefined);
  });

  for (const [image, isOurs] of [
    ["registry.example/podrole-sidecar:2", true],
    ["mirror.internal:5000/registry.example/podrole-sidecar:1", true],
    ["podrole-sidecar@sha256:0123", true],
    ["registry.example/podrole-sidecar:1@sha256:0123", true],
    ["registry.example/team/roles:7", true],
    ["registry.example/roles-evil:7", false],
    ["registry.example/podrole-sidecar/mine:1", false],
    ["", false],
  ] as const) {
    test(`compares the image's name alone: ${image === "" ? "no image" : image}`, () => {
      const pod = injectedPod();
      sidecar(pod).image = image;
      assert.equal(findForeignPart(pod, "registry.example/team/roles:8") === undefined, isOurs);
      assert.equal(findForeignPart(pod), undefined, "without an image to compare");
    });
  }
});
