// The life of an installation on a real API server, with Helm and with kustomize: install, change, go back, uninstall. The
// CA outlives everything but the last, which leaves nothing behind although the server still runs while it happens.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { createKubectl } from "../kubectl.ts";
import { startServer } from "./server.ts";
import { CHART, helm, type KubeObject, kustomize } from "./tools.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (await isSo()) return;
    await sleep(200);
  }
  assert.fail(`waited in vain: ${what}`);
}

/** "resource namespace/name" of every object of the cluster; without what Kubernetes writes about objects. */
async function everything(): Promise<readonly string[]> {
  const resources = (await kubectl.ok(["api-resources", "--verbs=list", "-o", "name"])).trim().split("\n");
  const kept = resources.filter((name) => !/^(events|leases|componentstatuses|controllerrevisions)\b/.test(name));
  const path = '{range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{"\\n"}{end}';
  const { out } = await kubectl.run(["get", kept.join(","), "-A", "-o", `jsonpath=${path}`]);
  return out.split("\n").filter((line) => line !== "");
}

/** What the server keeps, as it stands in the cluster. */
async function kept() {
  const [ca, trust, configuration] = await Promise.all([
    kubectl.json<KubeObject>(["-n", "podrole", "get", "secret", "podrole-ca"]),
    kubectl.json<KubeObject>(["-n", "podrole", "get", "configmap", "podrole-trust"]),
    kubectl.json<{ webhooks: { clientConfig: { caBundle?: string } }[] }>([
      ...["get", "mutatingwebhookconfiguration", "podrole"],
    ]),
  ]);
  return { ca: ca["data"], trust: trust["data"], caBundle: configuration.webhooks[0]?.clientConfig.caBundle };
}

const replicas = (program: string) =>
  kubectl.ok(["-n", "podrole", "get", "deployment", `podrole-${program}`, "-o", "jsonpath={.spec.replicas}"]);

const hasAll = async () => {
  const { code } = await kubectl.run(["-n", "podrole", "get", "secret/podrole-ca", "configmap/podrole-trust"]);
  return code === 0 && (await kept()).caBundle !== undefined;
};

interface Way {
  readonly name: string;
  install(): Promise<void>;
  /** Each one leaves another number of the server's replicas. */
  readonly changes: readonly (readonly [what: string, change: () => Promise<void>, replicas: string])[];
  uninstall(): Promise<void>;
  /** What was there before podrole as far as this way is concerned, and stays. */
  isNotOurs(line: string): boolean;
}

function helmOrFail(words: readonly string[], values?: object): void {
  const { code, err } = helm([...words, "--namespace", "podrole"], values);
  assert.equal(code, 0, err);
}

const withReplicas = (count: number) => ({ server: { replicas: count }, settings: { region: "eu-central-1" } });

/** Helm's rollback and uninstall take no values. */
function helmBare(...words: string[]): void {
  const { code, err } = helm(words);
  assert.equal(code, 0, err);
}

const HELM: Way = {
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
  // `--create-namespace` makes it, and Helm never deletes a namespace.
  isNotOurs: (line) =>
    ["Namespace /podrole", "ServiceAccount podrole/default", "ConfigMap podrole/kube-root-ca.crt"].includes(line),
};

const yamlOf = (objects: readonly KubeObject[]) => objects.map((object) => stringify(object)).join("---\n");
const apply = async (objects: readonly KubeObject[], ...flags: string[]) => {
  await kubectl.ok(["apply", ...flags, "-f", "-"], yamlOf(objects));
};

const KUSTOMIZE: Way = {
  name: "kustomize",
  // From the last object to the first: an order that nobody would choose. Only the namespace must be there.
  async install() {
    const objects = kustomize("base");
    const isNamespace = ({ kind }: KubeObject) => kind === "Namespace";
    await apply([...objects.filter(isNamespace), ...objects.filter((object) => !isNamespace(object)).toReversed()]);
  },
  changes: [
    ["kubectl apply of another overlay", () => apply(kustomize("overlays/ha")), "3"],
    ["kubectl apply of the old one", () => apply(kustomize("base")), "2"],
    ["kubectl apply --server-side", () => apply(kustomize("overlays/ha"), "--server-side", "--force-conflicts"), "3"],
    [
      "kubectl replace",
      async () => {
        await kubectl.ok(["replace", "-f", "-"], yamlOf(kustomize("base")));
      },
      "2",
    ],
  ],
  async uninstall() {
    await kubectl.ok(["delete", "--wait=false", "-f", "-"], yamlOf(kustomize("base")));
  },
  isNotOurs: () => false,
};

for (const way of [HELM, KUSTOMIZE]) {
  suite(`podrole's life with ${way.name}`, { timeout: 200_000 }, () => {
    let stopServer = async () => {};
    let earlier: ReadonlySet<string>;
    let made: Awaited<ReturnType<typeof kept>>;

    before(async () => {
      await until("podrole is not here", async () => !(await everything()).some((line) => line.includes("podrole")));
      earlier = new Set(await everything());
      await way.install();
    });
    after(async () => {
      await stopServer();
      await way.uninstall().catch(() => {});
      await kubectl.run(["delete", "namespace", "podrole", "--ignore-not-found"]);
    });

    test("begins without a CA; the server makes it with the rights that were installed", async () => {
      assert.equal((await kubectl.run(["-n", "podrole", "get", "secret", "podrole-ca"])).code, 1);
      stopServer = await startServer(kubectl, kubeconfig);
      await until("CA, trust bundle and caBundle are there", hasAll);
      made = await kept();
      assert.deepEqual(Object.keys(made.ca as object), ["current.crt", "current.key", "current.since"]);
    });

    for (const [what, change, count] of way.changes) {
      test(`goes through ${what} with the same CA`, async () => {
        await change();
        assert.equal(await replicas("server"), count);
        const { ca, trust, caBundle } = await kept();
        assert.deepEqual({ ca, trust }, { ca: made.ca, trust: made.trust });
        // A replacement takes caBundle out, and the server puts it back within a minute: see the server's own tests.
        assert.ok(/force|replace/.test(what) || caBundle === made.caBundle);
      });
    }

    test("leaves nothing behind", async () => {
      await way.uninstall();
      let left: readonly string[] = [];
      await until(`nothing is left`, async () => {
        left = (await everything()).filter((line) => !earlier.has(line) && !way.isNotOurs(line));
        return left.length === 0;
      }).catch(() => assert.deepEqual(left, []));
      // The garbage collector deletes what the server had made; the server, which still runs, makes nothing again.
      await sleep(3_000);
      const back = (await everything()).filter((line) => !earlier.has(line) && !way.isNotOurs(line));
      assert.deepEqual(back, []);
    });
  });
}
