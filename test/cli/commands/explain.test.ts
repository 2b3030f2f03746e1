// podrole explain as a command, against the API server emulator.
import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { PolicyRule } from "../../../emulators/kubernetes/access.ts";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import { ROOT, readManifest } from "../../files.ts";
import { barePod, HEALTHY_NAMESPACE, healthyPod } from "../../operations/check/healthy.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";
import { startExplain } from "./explain-cluster.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

const web = (role: string) => ({
  metadata: { name: "web", namespace: "shop" },
  spec: {
    template: {
      metadata: { annotations: { "iam.amazonaws.com/role": role } },
      spec: { containers: [{ name: "app", image: "app:1" }] },
    },
  },
});

suite("explainAction()", () => {
  test("ends with 0 for a Deployment whose pods would be injected, and names the settings' sources", async (context) => {
    const { store, run } = await startExplain(context);
    store.create("deployments", web("shop-orders"));
    const { exitCode, said } = await run(["deploy/web"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(said[0]?.settings, [
      "Deployment podrole-webhook",
      "ConfigMap podrole-common",
      "Deployment podrole-server",
    ]);
    assert.equal(said[0]?.containers[0]?.sessionName, "shop.web-xxxxx");
    const text = await run(["deploy/web"], { output: "text" });
    assert.match(text.out, /^deployment\/web in namespace shop\n {2}its next pods: injected \(INJECTED\): /);
  });

  test("says which proof new pods get by what the server has published, and what is missing to read it", async (context) => {
    const { kubernetes, store, run } = await startExplain(context);
    const common = store.get("configmaps", "podrole", "podrole-common");
    store.replace("configmaps", {
      ...common,
      data: { ...(common["data"] as object), PODROLE_POD_CERTIFICATES: "auto" },
    });
    store.create("deployments", web("shop-orders"));
    const notes = async (username?: string) => (await run(["deploy/web"], {}, { username })).said[0]?.notes;
    assert.match((await notes())?.[0] ?? "", /^a new pod gets a token: .* the server has published nothing yet$/);
    const metadata = { name: "podrole-trust", namespace: "podrole" };
    store.create("configmaps", { metadata, data: { "pod-certificates": "on" } });
    assert.match((await notes())?.[0] ?? "", /^a new pod gets a pod certificate: .* the server has published "on"$/);
    const others = ["podrole-common", "podrole-server", "podrole-webhook"];
    kubernetes.restrict("alice", [
      { apiGroups: ["*"], resources: ["configmaps"], resourceNames: others, verbs: ["get"] },
      ...[
        "namespaces",
        "serviceaccounts",
        "deployments",
        "limitranges",
        "resourcequotas",
        "mutatingwebhookconfigurations",
      ].map((resource) => ({ apiGroups: ["*"], resources: [resource], verbs: ["get", "list"] })),
    ]);
    const needs =
      /^whether a new pod gets a pod certificate: cannot tell: needs get on configmaps in namespace podrole$/;
    assert.match((await notes("alice"))?.[0] ?? "", needs);
  });

  test("ROLE_FORBIDDEN: ends with 1 for a Deployment whose pods would be refused", async (context) => {
    const { store, run } = await startExplain(context);
    store.create("deployments", web("payroll-admin"));
    const { exitCode, said } = await run(["deployment/web"]);
    assert.equal(exitCode, 1);
    assert.equal(said[0]?.now.reason, "ROLE_FORBIDDEN");
  });

  test("refuses a file that cannot be read, before it looks for a cluster", async () => {
    const terminal = createTerminal({ env: { HOME: "/nonexistent" } });
    assert.equal(await explainAction(terminal, { filename: "/nonexistent/app.yaml" }, []), 2);
    assert.match(terminal.said.err(), /--filename: \/nonexistent\/app.yaml cannot be read/);
  });

  test("reports what it tried when there is no cluster", async () => {
    const terminal = createTerminal({ env: { HOME: "/nonexistent" } });
    assert.equal(await explainAction(terminal, {}, ["pod/orders"]), 2);
    assert.match(terminal.said.err(), /KUBECONFIG is not set, .*expected --kubeconfig FILE/);
  });

  test("names kubeconfig, context and the next command when the API server refuses connections", async (context) => {
    const { kubernetes } = await startExplain(context);
    const path = writeTemporaryFile(context, "kubeconfig", kubernetes.kubeconfig());
    const spaced = writeTemporaryFile(context, "my kubeconfig", kubernetes.kubeconfig());
    await kubernetes.close();
    for (const [given, named, command] of [
      [{ kubeconfig: path }, `the current context of kubeconfig ${path}`, `KUBECONFIG=${path} kubectl`],
      [
        { kubeconfig: path, context: "emulator" },
        `context "emulator" of kubeconfig ${path}`,
        `KUBECONFIG=${path} kubectl --context emulator`,
      ],
      [{ kubeconfig: spaced }, `the current context of kubeconfig ${spaced}`, `KUBECONFIG='${spaced}' kubectl`],
    ] as const) {
      const terminal = createTerminal();
      assert.equal(await explainAction(terminal, given, ["pod/orders"]), 2);
      assert.match(terminal.said.err(), /cannot connect to https:\S+: connection refused\n/);
      const hint = `${named} names this API server; next: ${command} get --raw /readyz\n`;
      assert.ok(terminal.said.err().endsWith(hint), terminal.said.err());
    }
  });

  test("reads the namespace of the kubeconfig's context, as kubectl does", async (context) => {
    const { kubernetes, store, run } = await startExplain(context);
    store.create("deployments", web("shop-orders"));
    const path = writeTemporaryFile(
      context,
      "kubeconfig",
      kubernetes.kubeconfig().replace('"cluster": "emulator",', '"cluster": "emulator", "namespace": "shop",'),
    );
    const terminal = createTerminal();
    assert.equal(await explainAction(terminal, { kubeconfig: path }, ["deploy/web"]), 0, terminal.said.err());
    assert.match((await run(["deploy/web"], { namespace: "other" })).err, /no deployment "web" in namespace "other"/);
  });

  test("distinguishes an injected pod from one that is older than the label", async (context) => {
    const { store, run } = await startExplain(context);
    const [bare, injected] = [barePod(), healthyPod()];
    store.create("pods", { ...bare, metadata: { ...bare.metadata, name: "older" } });
    const ready = [{ name: "podrole-sidecar", ready: true, state: { running: {} } }];
    store.create("pods", {
      ...injected,
      metadata: { ...injected.metadata, namespace: "shop" },
      status: { phase: "Running", initContainerStatuses: ready },
    });
    assert.equal((await run(["pod/orders"])).exitCode, 0);
    const older = await run(["pod/older"]);
    assert.equal(older.exitCode, 1);
    assert.deepEqual([older.said[0]?.existing?.injected, older.said[0]?.now.decision], [false, "inject"]);
  });

  test("explains manifests, whose namespaces take precedence over the cluster's", async (context) => {
    const { run } = await startExplain(context);
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { ...HEALTHY_NAMESPACE.metadata, annotations: {} },
    };
    const pod = { apiVersion: "v1", kind: "Pod", ...barePod() };
    const alone = await run([], { filename: "-" }, { stdin: JSON.stringify(pod) });
    assert.deepEqual([alone.exitCode, alone.said[0]?.existing], [0, undefined]);
    const both = JSON.stringify({ apiVersion: "v1", kind: "List", items: [namespace, pod] });
    const { exitCode, said } = await run([], { filename: "-" }, { stdin: both });
    assert.deepEqual([exitCode, said[0]?.now.reason], [1, "ROLE_FORBIDDEN"]);
  });

  test("reads lists whose elements have no kind, as kubectl prints them", async (context) => {
    const { run } = await startExplain(context);
    const list = JSON.stringify({ apiVersion: "v1", kind: "PodList", items: [barePod()] });
    const { exitCode, said } = await run([], { filename: "-" }, { stdin: list });
    assert.deepEqual([exitCode, said.length], [0, 1]);
  });

  test("explains a Deployment whose annotations are empty", async (context) => {
    const { run } = await startExplain(context);
    const path = join(ROOT, "test/fixtures/manifests/null-annotations.yaml");
    const { exitCode, said } = await run([], { filename: path });
    assert.deepEqual([exitCode, said[0]?.now.decision], [0, "inject"]);
  });

  test("says which permissions it needs instead of assuming settings", async (context) => {
    const { kubernetes, store, run } = await startExplain(context);
    store.create("deployments", web("arn:aws:iam::123456789012:role/shop-orders"));
    kubernetes.restrict("developer", [{ apiGroups: ["", "apps"], resources: ["*"], verbs: ["get"] }]);
    const { exitCode, said } = await run(["deploy/web"], {}, { username: "developer" });
    assert.equal(exitCode, 2);
    assert.deepEqual(said[0]?.now, {
      decision: "unknown",
      reason: "SETTINGS_UNREADABLE",
      message: "cannot tell: needs list on deployments in namespace podrole",
      warnings: [],
    });
  });

  test("tells a developer who may read the namespace alone what an injected pod got, and ends with 0 if it is ready", async (context) => {
    const { kubernetes, store, run } = await startExplain(context);
    const pod = healthyPod();
    const ready = [{ name: "podrole-sidecar", ready: true, state: { running: {} } }];
    store.create("pods", {
      ...pod,
      metadata: { ...pod.metadata, namespace: "shop" },
      status: { phase: "Running", initContainerStatuses: ready },
    });
    kubernetes.restrict("developer", [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }], "shop");
    const { exitCode, out } = await run(["pod/orders"], { output: "text" }, { username: "developer" });
    assert.equal(exitCode, 0);
    assert.match(
      out,
      /^ {2}container app asks for arn:\S+:role\/shop-orders \(podrole\.io\/resolved\); what it holds/m,
    );
    assert.match(
      out,
      /^ {2}a new pod, if created now: unknown \(SETTINGS_UNREADABLE\): cannot tell: needs list on deployments/m,
    );
    assert.doesNotMatch(out, /assumed|default/);
  });

  test("answers everything with the roles of manifests/base/developer.yaml", async (context) => {
    const { kubernetes, store, run } = await startExplain(context);
    store.create("deployments", web("shop-orders"));
    const [own, registration, settings] = readManifest<{ rules: PolicyRule[] }>("base/developer.yaml");
    kubernetes.restrict("developer", own?.rules ?? [], "shop");
    kubernetes.restrict("developer", registration?.rules ?? []);
    kubernetes.restrict("developer", settings?.rules ?? [], "podrole");
    const { exitCode, said } = await run(["deploy/web"], {}, { username: "developer" });
    assert.deepEqual([exitCode, said[0]?.now.decision, said[0]?.notes], [0, "inject", []]);
  });

  for (const [resource, expected] of [
    ["deployments", "list on deployments in namespace podrole"],
    ["configmaps", "get on configmaps in namespace podrole"],
    ["namespaces", "get on namespaces shop"],
    ["serviceaccounts", "get on serviceaccounts in namespace shop"],
  ] as const) {
    test(`names the missing permission and decides nothing without ${resource}`, async (context) => {
      const { kubernetes, store, run } = await startExplain(context);
      store.create("deployments", web("shop-orders"));
      const all = ["deployments", "configmaps", "namespaces", "serviceaccounts", "mutatingwebhookconfigurations"];
      const others = all.filter((name) => name !== resource);
      const shop = [{ apiGroups: ["*"], resources: ["deployments"], verbs: ["get"] }];
      kubernetes.restrict("user", [{ apiGroups: ["*"], resources: others, verbs: ["get", "list"] }]);
      kubernetes.restrict("user", shop, "shop");
      const { exitCode, said } = await run(["deploy/web"], {}, { username: "user" });
      assert.deepEqual([exitCode, said[0]?.now.decision, said[0]?.containers], [2, "unknown", []]);
      assert.match(said[0]?.now.message ?? "", new RegExp(`^cannot tell: needs ${expected}`));
    });
  }

  test("decides without mutatingwebhookconfigurations, but does not say that the pods are injected", async (context) => {
    const { kubernetes, store, run } = await startExplain(context);
    store.create("deployments", web("shop-orders"));
    const resources = ["deployments", "configmaps", "namespaces", "serviceaccounts"];
    kubernetes.restrict("user", [{ apiGroups: ["*"], resources, verbs: ["get", "list"] }]);
    const { exitCode, said } = await run(["deploy/web"], {}, { username: "user" });
    assert.deepEqual([exitCode, said[0]?.now.decision, said[0]?.undecided], [2, "inject", true]);
    assert.match(said[0]?.notes.join() ?? "", /cannot tell: needs list on mutatingwebhookconfigurations/);
  });

  test("says why a Deployment cannot create its pods, and ends with 1", async (context) => {
    const { store, run } = await startExplain(context);
    const message =
      'pods "web-1" is forbidden: exceeded quota: team, requested: limits.memory=96Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi';
    const conditions = [
      { type: "Available", status: "False" },
      { type: "ReplicaFailure", status: "True", message },
    ];
    store.create("deployments", { ...web("shop-orders"), status: { conditions } });
    const { exitCode, out } = await run(["deploy/web"], { output: "text" });
    assert.equal(exitCode, 1);
    const whose = "ResourceQuota team of the namespace refuses them, podrole does not";
    assert.ok(
      out.includes(
        `\n  cause: its pods cannot be created: ${whose}: exceeded quota: team, requested: limits.memory=96Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi\n`,
      ),
      out,
    );
  });

  test("assumes nothing in a cluster without podrole", async (context) => {
    const { store, runAction } = await startOperatorCluster(context);
    store.create("namespaces", structuredClone(HEALTHY_NAMESPACE));
    store.create("serviceaccounts", { metadata: { name: "default", namespace: "shop" } });
    store.create("deployments", web("shop-orders"));
    const { exitCode, out } = await runAction(explainAction, ["deploy/web"], { namespace: "shop" });
    assert.equal(exitCode, 2);
    assert.match(out, /cannot tell: no Deployment in namespace "podrole" runs podrole's webhook; expected/);
    assert.match(out, /note: podrole's webhook is not registered: no pod is injected/);
  });

  for (const [what, words, flags, said, stdin] of [
    ["neither KIND/NAME nor a file", [], {}, /expected exactly one of KIND\/NAME and --filename FILE/],
    ["both", ["pod/a"], { filename: "-" }, /expected exactly one of KIND\/NAME and --filename FILE/],
    ["two subjects", ["pod/a", "pod/b"], {}, /"pod\/b" is one argument too many; expected one object/],
    ["another kind", ["service/web"], {}, /is not KIND\/NAME/],
    ["a pod that does not exist", ["pod/nobody"], {}, /no pod "nobody" in namespace "shop"/],
    [
      "podrole's own namespace",
      ["pod/a"],
      { namespace: "podrole" },
      /"podrole" is podrole's own .*--podrole-namespace/,
    ],
    ["a file that does not exist", [], { filename: "/nowhere.yaml" }, /cannot be read/],
    ["a file that is no YAML", [], { filename: "-" }, /standard input: it is neither YAML nor JSON/, "a: [\n"],
    ["a file of other things", [], { filename: "-" }, /standard input, document 1: it is not an object/, "7\n"],
    ["a file without pods", [], { filename: "-" }, /no object in it is or makes a pod/],
    ["a cluster out of reach", ["pod/a"], { kubeconfig: "/nowhere" }, /cannot be read/],
  ] as const) {
    test(`refuses ${what}`, async (context) => {
      const { run } = await startExplain(context);
      const { exitCode, out, err } = await run(words, flags, stdin === undefined ? {} : { stdin });
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, said);
    });
  }
});
