// podrole check as a command: kubeconfig, API server emulator, RBAC and podrole's programs run for real; only
// Deployments and their pods are written as objects, because the emulator has no controllers.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type EmulatedCluster, startEmulatedCluster } from "../../../emulators/cluster.ts";
import type { PolicyRule } from "../../../emulators/kubernetes/access.ts";
import { checkAction } from "../../../src/cli/commands/check.ts";
import { parseSamples } from "../../../src/operations/check/collect/metrics-pages.ts";
import type { Finding } from "../../../src/operations/check/finding.ts";
import { formatAge } from "../../../src/operations/format.ts";
import type { Deployment } from "../../../src/operations/installed.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { readManifest } from "../../files.ts";
import { barePod, HEALTHY_NAMESPACE } from "../../operations/check/healthy.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const REFUSED = "system:serviceaccount:podrole:podrole";

interface Report {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

suite("checkAction()", { timeout: 120_000 }, () => {
  let cluster: EmulatedCluster;
  const directory = createTemporaryDirectory({ after });

  before(async () => {
    cluster = await startEmulatedCluster(
      { clock },
      {
        runtime: { execPath: process.execPath, entry: file("src/cli/main.ts"), path: process.env["PATH"] ?? "" },
        region: "eu-central-1",
        accountId: "123456789012",
        roles: [{ name: "shop-orders", isTrusted: true }],
      },
    );
    installObjects(cluster);
    cluster.kubernetes.store.create("namespaces", structuredClone(HEALTHY_NAMESPACE));
    cluster.kubernetes.store.create("serviceaccounts", { metadata: { name: "default", namespace: "shop" } });
  });
  after(() => cluster?.stop());

  async function run(
    flags: Readonly<Record<string, string>> = {},
    username?: string,
    onText: (text: string) => void = () => {},
  ) {
    const kubeconfig = join(directory, `${username ?? "admin"}.kubeconfig`);
    await writeFile(kubeconfig, cluster.kubernetes.kubeconfig(username), { mode: 0o600 });
    const terminal = createTerminal();
    const err = (text: string) => {
      terminal.err(text);
      onText(text);
    };
    const exitCode = await checkAction({ ...terminal, err }, { kubeconfig, ...flags }, []);
    return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
  }
  async function findings(flags: Readonly<Record<string, string>> = {}, username?: string) {
    const { exitCode, out } = await run({ output: "json", ...flags }, username);
    const report = JSON.parse(out) as Report;
    assert.equal(report.ok, exitCode === 0);
    return {
      exitCode,
      of: (id: string) => report.findings.filter((finding) => finding.id === id),
      all: report.findings,
    };
  }

  test("ends with 0 for a healthy installation, and reports its progress", async () => {
    const { exitCode, out, err } = await run();
    assert.equal(exitCode, 0, out);
    // The manifests cannot know how to tell the API server from other callers.
    assert.deepEqual(out.match(/^ {2}(FAIL|warn) .*?(?= {2})/gm), ["  warn  WEBHOOK_CALLERS"]);
    assert.match(out, /^podrole check: \d+ ok, 1 warning, 0 failed, [23] skipped$/m);
    assert.match(err, /^podrole check: reviewing permissions$/m);
    const { of } = await findings();
    for (const id of [
      "ADMISSION",
      "CA_BUNDLE",
      "CA_SLOTS",
      "SERVING_CERTIFICATES",
      "WATCH_AGE",
      "RIGHTS_WEBHOOK_NARROW",
    ]) {
      assert.deepEqual(
        of(id).map(({ state }) => state),
        ["ok"],
        JSON.stringify(of(id)),
      );
    }
  });

  test("ADMISSION creates no pod", async () => {
    await run();
    assert.deepEqual(cluster.kubernetes.store.list("pods", "shop"), []);
  });

  test("ends with 1 when caBundle is empty: CA_BUNDLE fails, and ADMISSION quotes the API server", async () => {
    const { store } = cluster.kubernetes;
    const before = store.get("mutatingwebhookconfigurations", undefined, "podrole");
    const emptied = structuredClone(before) as unknown as { webhooks: { clientConfig: { caBundle?: string } }[] };
    delete emptied.webhooks[0]?.clientConfig.caBundle;
    store.replace("mutatingwebhookconfigurations", emptied as never);
    const { exitCode, of } = await findings();
    store.replace("mutatingwebhookconfigurations", { ...before, metadata: { name: "podrole" } });
    assert.equal(exitCode, 1);
    assert.equal(of("CA_BUNDLE")[0]?.state, "failed");
    assert.match(of("ADMISSION")[0]?.message ?? "", /cannot call the webhook: .*failed calling webhook/);
  });

  test("ends with 1 for a pod that is not injected and for a namespace that permits no role; -n limits both", async () => {
    const { store } = cluster.kubernetes;
    const { metadata, spec, status } = barePod();
    store.create("pods", { metadata, spec, status: { ...status } });
    store.create("namespaces", { metadata: { name: "till", labels: { "podrole.io/inject": "enabled" } } });
    const { exitCode, of } = await findings();
    const narrowed = await findings({ namespaceSelector: "team=other" });
    const [inShop, inTill] = [await findings({ namespace: "shop" }), await findings({ namespace: "till" })];
    store.remove("pods", "shop", "orders");
    store.remove("namespaces", undefined, "till");
    assert.equal(exitCode, 1);
    assert.deepEqual(
      of("PODS_INJECTED").map(({ object }) => object),
      ["pod shop/orders"],
    );
    assert.deepEqual(
      of("NAMESPACES_PERMIT").map(({ object }) => object),
      ["namespace till"],
    );
    assert.notEqual(narrowed.of("PODS_INJECTED")[0]?.state, "failed");
    const statesOf = ({ of }: typeof inShop) =>
      ["PODS_INJECTED", "NAMESPACES_PERMIT", "SERVER_READY"].map((id) => of(id)[0]?.state);
    assert.deepEqual(statesOf(inShop), ["failed", "ok", "ok"]);
    assert.deepEqual(statesOf(inTill), ["ok", "failed", "ok"]);
  });

  test("--wait repeats the checks until nothing fails", async () => {
    const { store } = cluster.kubernetes;
    store.create("namespaces", { metadata: { name: "late", labels: { "podrole.io/inject": "enabled" } } });
    let waited = 0;
    const { exitCode } = await run({ wait: "30s" }, undefined, (text) => {
      if (!/waiting for NAMESPACES_PERMIT/.test(text)) return;
      waited += 1;
      store.remove("namespaces", undefined, "late");
    });
    assert.deepEqual([exitCode, waited], [0, 1]);
  });

  test("ends with 2 when it may not look, and names every missing permission in one line", async () => {
    cluster.kubernetes.restrict("reader", [{ apiGroups: [""], resources: ["namespaces"], verbs: ["list", "get"] }]);
    const { exitCode, of, all } = await findings({}, "reader");
    assert.equal(exitCode, 2);
    const { out } = await run({}, "reader");
    assert.equal(out.match(/expected permission|needs? list on|need get on/g)?.length, 1, out);
    assert.match(out, /^cannot look: \d+ checks \(.*SERVER_READY.*\) need list on .*deployments in namespace podrole/m);
    assert.doesNotMatch(out, /^ {2}skip {2}SERVER_READY/m);
    assert.match(of("CA_SLOTS")[0]?.message ?? "", /expected permission to get secrets in namespace "podrole"/);
    assert.match(of("RIGHTS_SERVER")[0]?.message ?? "", /create subjectaccessreviews/);
    assert.deepEqual([...new Set(of("PODS_INJECTED").map(({ state }) => state))], ["skipped"]);
    assert.ok(all.some(({ id, state }) => id === "NAMESPACES_PERMIT" && state === "ok"));
  });

  test("--skip leaves out checks by id and by section, and with them what may not be read", async () => {
    const { all, of } = await findings({ skip: "CA_SLOTS,workloads" });
    assert.ok(all.every(({ id, section }) => id !== "CA_SLOTS" && section !== "workloads"));
    assert.equal(of("SERVER_READY")[0]?.state, "ok");
  });

  test("--skip makes the checks of manifests/examples/check-account.yaml end with 0", async () => {
    const rules = readManifest<{ kind: string; rules?: PolicyRule[] }>("examples/check-account.yaml");
    for (const { kind, rules: granted = [] } of rules) {
      if (kind === "ClusterRole") cluster.kubernetes.restrict("podrole-reader", granted);
      if (kind === "Role") cluster.kubernetes.restrict("podrole-reader", granted, "podrole");
    }
    const { exitCode, all } = await findings({ skip: "CA_SLOTS,ADMISSION" }, "podrole-reader");
    assert.deepEqual([exitCode, all.filter(({ needs }) => needs !== undefined)], [0, []]);
    assert.equal((await findings({}, "podrole-reader")).exitCode, 2);
  });

  test("--quiet prints only problems, and no progress", async () => {
    const { exitCode, out, err } = await run({ quiet: "true" });
    assert.deepEqual([exitCode, err], [0, ""]);
    assert.doesNotMatch(out, /^ {2}(ok|skip) /m);
    assert.match(out, /^ {2}warn {2}WEBHOOK_CALLERS/m);
    assert.equal((await run({ quiet: "true", skip: "WEBHOOK_CALLERS" })).out, "");
  });

  test("--wait with --skip does not wait for a pod that is older than the label", async () => {
    const { store } = cluster.kubernetes;
    store.create("pods", barePod());
    const [gate, all] = [await run({ wait: "1s", skip: "PODS_INJECTED" }), await run()];
    store.remove("pods", "shop", "orders");
    assert.deepEqual([gate.exitCode, all.exitCode], [0, 1]);
  });

  for (const [what, flags, message] of [
    [
      "a check that does not exist",
      { skip: "CA_SLOT" },
      /--skip: "CA_SLOT" is neither a check .*did you mean CA_SLOTS\?/,
    ],
    ["a kubeconfig that does not exist", { kubeconfig: "/nowhere/config" }, /cannot be read/],
    ["an unknown context", { context: "elsewhere" }, /no context "elsewhere"; expected one of emulator/],
    ["a --wait that is no duration", { wait: "soon" }, /--wait: "soon" is not a duration/],
    [
      "podrole's own namespace as -n",
      { namespace: "podrole" },
      /--namespace: "podrole" is podrole's own .*--podrole-namespace/,
    ],
    ["a namespace that does not exist", { namespace: "shpo" }, /--namespace: there is no namespace "shpo"/],
    ["-n with --pre", { namespace: "shop", pre: "true" }, /--pre checks no pods \(--podrole-namespace/],
    ["-n with a selector", { namespace: "shop", namespaceSelector: "a=b" }, /exclude each other/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const { exitCode, out, err } = await run(flags);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, message);
    });
  }

  test("ends with 2 when the API server does not respond", async () => {
    cluster.kubernetes.faults.down = true;
    const { exitCode, err } = await run();
    cluster.kubernetes.faults.down = false;
    assert.equal(exitCode, 2);
    assert.match(
      err,
      /Cannot list mutatingwebhookconfigurations: cannot connect to https:\S+: connection (closed|reset) by peer/,
    );
  });
});

interface Registration {
  readonly webhooks: readonly { readonly namespaceSelector?: object }[];
}

/** Creates what controllers would create from the manifests: Deployments, their pods, budgets, RBAC. */
function installObjects({ kubernetes, server, webhook }: EmulatedCluster): void {
  const { store } = kubernetes;
  for (const path of ["server", "webhook", "rbac", "pod-status-policy"]) {
    type Installed = { kind: string; metadata: { name: string }; rules?: PolicyRule[] };
    for (const object of readManifest<Installed>(`base/${path}.yaml`)) {
      if (object.kind === "Deployment") {
        store.create("deployments", { ...object, status: { readyReplicas: 2, updatedReplicas: 2 } });
      }
      if (object.kind === "PodDisruptionBudget") store.create("poddisruptionbudgets", object);
      if (object.kind === "ValidatingAdmissionPolicy") store.create("validatingadmissionpolicies", object);
      if (object.kind === "ValidatingAdmissionPolicyBinding") {
        store.create("validatingadmissionpolicybindings", object);
      }
      const who = object.metadata.name.replace("podrole", "");
      if (object.kind === "ClusterRole") kubernetes.restrict(`${REFUSED}${who}`, object.rules ?? []);
      if (object.kind === "Role") kubernetes.restrict(`${REFUSED}${who}`, object.rules ?? [], "podrole");
    }
  }
  // The cluster's webhook configuration also selects podrole's own namespace.
  const registered = store.get("mutatingwebhookconfigurations", undefined, "podrole") as unknown as Registration;
  const [manifest] = readManifest<Registration>("base/webhook-configuration.yaml");
  const webhooks = registered.webhooks.map((webhook) =>
    Object.assign({}, manifest?.webhooks[0], webhook, {
      namespaceSelector: manifest?.webhooks[0]?.namespaceSelector,
    }),
  );
  store.replace("mutatingwebhookconfigurations", { metadata: { name: "podrole" }, webhooks });
  const base = { PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/" };
  store.create("configmaps", { metadata: { name: "podrole-common", namespace: "podrole" }, data: base });
  for (const [name, { ports }] of Object.entries({ server, webhook })) {
    const pod = `podrole-${name}-1`;
    const { spec } = store.get("deployments", "podrole", `podrole-${name}`) as unknown as Deployment;
    const metadata = { name: pod, namespace: "podrole", labels: { ...spec.template.metadata.labels } };
    store.create("pods", { metadata, spec: { containers: [] }, status: { phase: "Running" } });
    kubernetes.pages.set(`podrole/${pod}:8080`, `127.0.0.1:${ports["pages"]}`);
  }
}

test("checkAction() is one line in a cluster without podrole, and ends with 1", async (context) => {
  const { runAction } = await startOperatorCluster(context);
  const { exitCode, out } = await runAction(checkAction, [], {});
  assert.equal(exitCode, 1);
  assert.match(
    out,
    /^podrole check: podrole is not installed in this cluster: .*; see docs\/checks-installation\.md#installed\n$/,
  );
});

test("parseSamples() reads labels and infinities, and ignores other lines", () => {
  const samples = parseSamples(
    '# HELP x y\nx{a="1",b="say \\"{}\\""} +Inf\nx 2\n\nnonsense\nx_bucket{le="0.1"} 3 1700\n',
  );
  assert.deepEqual(samples.get("x"), [
    { labels: { a: "1", b: 'say \\"{}\\"' }, value: Number.POSITIVE_INFINITY },
    { labels: {}, value: 2 },
  ]);
  assert.equal(samples.get("x_bucket")?.[0]?.value, 3);
  assert.equal(samples.size, 2);
});

test("formatAge() prints the two largest units", () => {
  assert.deepEqual([0, 61_000, 3_600_000, 90_061_000, -5].map(formatAge), [
    "0 s",
    "1 min 1 s",
    "1 h",
    "1 d 1 h",
    "0 s",
  ]);
});
