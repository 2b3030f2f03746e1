// The lifecycle of an installation on a real API server, with Helm and with kustomize: install, change, roll back,
// uninstall. The CA survives every step except uninstall, which leaves nothing behind although the server still runs.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { until } from "../../../emulators/until.ts";
import { createKubectl } from "../kubectl.ts";
import { createInstalledState } from "./installed-state.ts";
import { startLocalServer } from "./server.ts";
import { CHART, type ChartObject, helmBare, helmOrFail, renderKustomization } from "./tools.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const { allObjects, storedTrust, hasTrust, replicas } = createInstalledState(kubectl);

interface Method {
  readonly name: string;
  install(): Promise<void>;
  /** Each change results in a different number of server replicas. */
  readonly changes: readonly (readonly [what: string, change: () => Promise<void>, replicas: string])[];
  uninstall(): Promise<void>;
  /** True for objects that this method does not delete on uninstall. */
  isLeftBehind(line: string): boolean;
}

const withReplicas = (count: number) => ({ server: { replicas: count }, settings: { region: "eu-central-1" } });

const HELM: Method = {
  name: "Helm",
  install: async () => helmOrFail(["install", "podrole", CHART, "--create-namespace"], withReplicas(2)),
  changes: [
    ["helm upgrade", async () => helmOrFail(["upgrade", "podrole", CHART], withReplicas(3)), "3"],
    ["helm rollback", async () => helmBare("rollback", "podrole", "1", "--namespace", "podrole"), "2"],
    ["helm upgrade --force", async () => helmOrFail(["upgrade", "podrole", CHART, "--force"], withReplicas(4)), "4"],
    [
      "helm rollback --force",
      async () => helmBare("rollback", "podrole", "1", "--force", "--namespace", "podrole"),
      "2",
    ],
  ],
  uninstall: async () => helmBare("uninstall", "podrole", "--namespace", "podrole"),
  // `--create-namespace` creates the namespace, and Helm never deletes one.
  isLeftBehind: (line) =>
    ["Namespace /podrole", "ServiceAccount podrole/default", "ConfigMap podrole/kube-root-ca.crt"].includes(line),
};

const yamlOf = (objects: readonly ChartObject[]) => objects.map((object) => stringify(object)).join("---\n");
const apply = async (objects: readonly ChartObject[], ...flags: string[]) => {
  await kubectl.ok(["apply", ...flags, "-f", "-"], yamlOf(objects));
};

const KUSTOMIZE: Method = {
  name: "kustomize",
  // In reverse order, to show that the order does not matter. Only the namespace must exist first.
  async install() {
    const objects = renderKustomization("base");
    const isNamespace = ({ kind }: ChartObject) => kind === "Namespace";
    await apply([...objects.filter(isNamespace), ...objects.filter((object) => !isNamespace(object)).toReversed()]);
  },
  changes: [
    ["kubectl apply of another overlay", () => apply(renderKustomization("overlays/ha")), "3"],
    ["kubectl apply of the first overlay", () => apply(renderKustomization("base")), "2"],
    [
      "kubectl apply --server-side",
      () => apply(renderKustomization("overlays/ha"), "--server-side", "--force-conflicts"),
      "3",
    ],
    [
      "kubectl replace",
      async () => {
        await kubectl.ok(["replace", "-f", "-"], yamlOf(renderKustomization("base")));
      },
      "2",
    ],
  ],
  async uninstall() {
    await kubectl.ok(["delete", "--wait=false", "-f", "-"], yamlOf(renderKustomization("base")));
  },
  isLeftBehind: () => false,
};

for (const method of [HELM, KUSTOMIZE]) {
  suite(`podrole's lifecycle with ${method.name}`, { timeout: 200_000 }, () => {
    let stopServer = async () => {};
    let earlier: ReadonlySet<string>;
    let created: Awaited<ReturnType<typeof storedTrust>>;

    before(async () => {
      await until(
        async () => !(await allObjects()).some((line) => line.includes("podrole")),
        "podrole is not installed",
      );
      earlier = new Set(await allObjects());
      await method.install();
    });
    after(async () => {
      await stopServer();
      await method.uninstall().catch(() => {});
      await kubectl.run(["delete", "namespace", "podrole", "--ignore-not-found"]);
    });

    test("starts without a CA; the server creates it with the installed RBAC", async () => {
      assert.equal((await kubectl.run(["-n", "podrole", "get", "secret", "podrole-ca"])).code, 1);
      stopServer = await startLocalServer(kubectl, kubeconfig);
      await until(hasTrust, "CA, trust bundle and caBundle exist");
      created = await storedTrust();
      assert.deepEqual(Object.keys(created.ca as object), [
        "current.crt",
        "current.key",
        "current.leaf-seconds",
        "current.since",
      ]);
    });

    for (const [what, change, count] of method.changes) {
      test(`keeps its CA across ${what}`, async () => {
        await change();
        assert.equal(await replicas("server"), count);
        const { ca, trust, caBundle } = await storedTrust();
        assert.deepEqual({ ca, trust }, { ca: created.ca, trust: created.trust });
        // A replacement removes caBundle; the server restores it within a minute, which the server's own tests assert.
        assert.ok(/force|replace/.test(what) || caBundle === created.caBundle);
      });
    }

    test("leaves nothing behind", async () => {
      await method.uninstall();
      const isOurs = (line: string) => !earlier.has(line) && !method.isLeftBehind(line);
      let left: readonly string[] = [];
      await until(async () => {
        left = (await allObjects()).filter(isOurs);
        return left.length === 0;
      }, "every object is deleted").catch(() => assert.deepEqual(left, []));
      // The garbage collector deletes what the server created; the server, which still runs, must not recreate it.
      await sleep(3_000);
      assert.deepEqual((await allObjects()).filter(isOurs), []);
    });
  });
}
