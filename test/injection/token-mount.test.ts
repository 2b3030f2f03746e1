// A container gets its token where the runtime can create the directory of the mount.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isInjected } from "../../src/injection/parts.ts";
import { plan } from "../../src/injection/plan.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const USUAL = "/var/run/secrets/podrole.io";
const BESIDE = "/podrole.io";

const podWith = (mount: { mountPath: string; readOnly?: boolean }, source: object): Pod => ({
  metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
  spec: {
    containers: [{ name: "app", volumeMounts: [{ name: "data", ...mount }] }],
    volumes: [{ name: "data", ...source }],
  },
});

const HOST = { hostPath: { path: "/var/run" } };
const cases: readonly (readonly [string, Pod, string])[] = [
  ["a read-only /var/run of the node", podWith({ mountPath: "/var/run", readOnly: true }, HOST), BESIDE],
  ["a read-only /run/ of the node", podWith({ mountPath: "/run/", readOnly: true }, HOST), BESIDE],
  ["a Secret at /var/run/secrets", podWith({ mountPath: "/var/run/secrets" }, { secret: { secretName: "x" } }), BESIDE],
  ["a ConfigMap at /var//run", podWith({ mountPath: "/var//run" }, { configMap: { name: "x" } }), BESIDE],
  ["a writable /var/run", podWith({ mountPath: "/var/run" }, { emptyDir: {} }), USUAL],
  ["a read-only directory elsewhere", podWith({ mountPath: "/var/run/docker", readOnly: true }, HOST), USUAL],
  ["a Secret elsewhere", podWith({ mountPath: "/etc/orders" }, { secret: { secretName: "x" } }), USUAL],
];

suite("tokenDirectoryOf() a container with", () => {
  for (const [what, pod, expected] of cases) {
    test(`${what} is ${expected}`, () => {
      const injected = podIn(plan(inShop(pod), PLAN_SETTINGS));
      const [app] = injected.spec.containers;
      const mount = app?.volumeMounts?.find(({ name }) => name === "podrole-tokens");
      const file = app?.env?.find(({ name }) => name === "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
      assert.deepEqual([mount?.mountPath, file?.value], [expected, `${expected}/token`]);
      assert.equal(isInjected(injected), true, "the server accepts it");
      assert.equal(plan(inShop(injected), PLAN_SETTINGS).reason, "ALREADY_INJECTED");
      assert.deepEqual(uninject(injected, { region: PLAN_SETTINGS.region }).spec, pod.spec);
    });
  }
});

for (const mountPath of [USUAL, `${BESIDE}/`, `${BESIDE}/token`]) {
  test(`plan() refuses a volume of the author's at ${mountPath} with NAME_RESERVED`, () => {
    const { reason, message } = plan(inShop(podWith({ mountPath }, { emptyDir: {} })), PLAN_SETTINGS);
    assert.equal(reason, "NAME_RESERVED");
    assert.match(message, /container "app" mounts "data" at "/);
  });
}
