// podrole status as a command, against the API server emulator.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { parse } from "yaml";
import type { PolicyRule } from "../../../emulators/kubernetes/access.ts";
import { statusAction } from "../../../src/cli/commands/status.ts";
import type { Flags } from "../../../src/cli/terminal.ts";
import type { Status } from "../../../src/operations/status/model.ts";
import { readManifest } from "../../files.ts";
import { barePod, CA, createInstalledObjects } from "../../operations/check/healthy.ts";
import { DENIED, podWith } from "../../operations/status/pods.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";
import { type OperatorOptions, startOperatorCluster } from "./operator-cluster.ts";

/** Begins the codes of an ANSI terminal. */
const ESCAPE = "\u001b";

async function cluster(context: TestContext) {
  const { kubernetes, store, runAction } = await startOperatorCluster(context);
  createInstalledObjects(store);
  store.create("configmaps", { metadata: { name: "podrole-trust", namespace: "podrole" }, data: { "bundle.pem": CA } });
  const run = (args: readonly string[] = [], flags: Flags = {}, options?: OperatorOptions) =>
    runAction(statusAction, args, { namespace: "shop", ...flags }, options);
  const statusOf = async (args: readonly string[] = [], flags: Flags = {}, options?: OperatorOptions) => {
    const { exitCode, out } = await run(args, { output: "json", ...flags }, options);
    return { exitCode, status: JSON.parse(out) as Status };
  };
  return { kubernetes, store, run, statusOf };
}

suite("statusAction()", () => {
  test("prints a row for each container, and ends with 0 if all pods are well", async (context) => {
    const { store, run } = await cluster(context);
    store.create("pods", podWith());
    const { exitCode, out, err } = await run();
    assert.equal(exitCode, 0, out + err);
    const [head = "", row = ""] = out.split("\n");
    assert.match(head, /^POD +CONTAINER +ROLE +STATE +EXPIRES IN +LAST CODE$/);
    assert.match(row, /^orders +app +shop-orders +ready +unknown +-$/);
    assert.match(out, /^1 pod in namespace shop uses podrole; all have what they need$/m);
    // After a second, each step has a line.
    assert.match(err, /^(podrole status: (asking|reading) .*\n)*$/);
  });

  test("ends with 1 for a pod whose sidecar does not run, and prints code, reason and remedy", async (context) => {
    const { store, run, statusOf } = await cluster(context);
    store.create("pods", podWith({ sidecar: DENIED }));
    store.create("pods", podWith({ name: "well" }));
    const { exitCode, out } = await run();
    assert.equal(exitCode, 1);
    assert.match(out, /^orders +app +shop-orders +sidecar CrashLoopBackOff +unknown +STS_DENIED$/m);
    assert.match(
      out,
      /^STS_DENIED \(pod shop\/orders\)\n {2}cause: STS_DENIED: Cannot assume role shop-orders\n {2}remedy: Find out in this order what is wrong, and correct that alone: /m,
    );
    assert.match(out, /^2 pods in namespace shop use podrole; 1 of 2 pods not well$/m);
    const { status } = await statusOf();
    assert.equal(status.pods?.find(({ pod }) => pod === "orders")?.code, "STS_DENIED");
  });

  test("shows a pod that names a role and is not injected, and what to do", async (context) => {
    const { store, run } = await cluster(context);
    store.create("pods", barePod());
    const { exitCode, out } = await run();
    assert.equal(exitCode, 1);
    assert.match(out, /^orders +- +shop-orders \(named\) +not injected +-/m);
    assert.match(
      out,
      /^not injected \(pod shop\/orders\)\n {2}cause: .*\n {2}remedy: Create the pod again: .*\n {2}recovery: needs a new pod\n {2}requires: .*\n {2}next: before the pod is deleted, .*:\n {8}kubectl .*\n {2}next: saves the pod as it is:\n {8}kubectl /m,
    );
  });

  test("-A shows all namespaces, with a column for them", async (context) => {
    const { store, run } = await cluster(context);
    store.create("namespaces", { metadata: { name: "hr" } });
    store.create("pods", podWith({ namespace: "hr" }));
    store.create("pods", podWith());
    const { out } = await run([], { namespace: undefined as never, allNamespaces: "true" });
    assert.match(out, /^NAMESPACE +POD .*\nhr +orders .*\nshop +orders /);
    assert.match(out, /^2 pods in 2 namespaces use podrole/m);
  });

  test("-l shows only the pods with these labels", async (context) => {
    const { store, run } = await cluster(context);
    const labelled = podWith({ name: "labelled" });
    labelled.metadata.labels = { ...labelled.metadata.labels, app: "web" };
    store.create("pods", labelled);
    store.create("pods", podWith());
    const { out } = await run([], { selector: "app=web", output: "name" });
    assert.equal(out, "pod/labelled\n");
  });

  test("-o yaml has what -o json has", async (context) => {
    const { store, run, statusOf } = await cluster(context);
    store.create("pods", podWith());
    const { status } = await statusOf();
    const yaml = parse((await run([], { output: "yaml" })).out) as Status;
    assert.deepEqual({ ...yaml, at: "" }, { ...status, at: "" });
  });

  test("-o wide adds columns and whole ARNs", async (context) => {
    const { store, run } = await cluster(context);
    store.create("pods", podWith());
    const { out } = await run([], { output: "wide" });
    assert.match(out, /LAST CODE +RENEWED +ROLE FROM +RESTARTS +AGE +SIDECAR +NODE/);
    assert.match(out, /^orders +app +arn:aws:iam::123456789012:role\/shop-orders /m);
  });

  test("roles counts what uses each role, refusals what ended sidecars, trust the published CAs", async (context) => {
    const { store, run } = await cluster(context);
    store.create("pods", podWith({ sidecar: DENIED }));
    assert.match((await run(["roles"])).out, /^shop-orders +1 +1 +0 +- +STS_DENIED 1 +shop$/m);
    const refusals = await run(["refusals"]);
    assert.equal(refusals.exitCode, 0);
    assert.match(refusals.out, / orders +- +STS_DENIED +3 +-$/m);
    assert.match(refusals.out, /^3 refusals in 1 row in namespace shop from the pods' Events of the last hour, /m);
    const trust = await run(["trust"], { namespace: undefined as never });
    assert.match(trust.out, /^unknown +O=podrole, CN=podrole CA .* +yes +yes +[0-9A-F:]{23}\.\.\.$/m);
  });

  test("shows refusals that the pods' Events have", async (context) => {
    const { kubernetes, run } = await cluster(context);
    const event = {
      ...{ metadata: { name: "orders.1", namespace: "shop" }, reason: "ROLE_FORBIDDEN", count: 2, type: "Warning" },
      ...{ message: "Cannot give it", lastTimestamp: new Date().toISOString() },
      involvedObject: { kind: "Pod", namespace: "shop", name: "orders" },
    };
    kubernetes.store.create("events", event);
    assert.match((await run(["refusals"])).out, /^\d+ s +orders +- +ROLE_FORBIDDEN +2 +-$/m);
  });

  test("names what is wrong with the installation", async (context) => {
    const { store, run } = await cluster(context);
    const server = store.get("deployments", "podrole", "podrole-server");
    store.replace("deployments", { ...server, status: {} });
    store.remove("mutatingwebhookconfigurations", undefined, "podrole");
    const unlabelled = { metadata: { name: "shop", labels: {} } };
    store.replace("namespaces", unlabelled);
    const { out } = await run();
    assert.match(
      out,
      /^podrole's server: 0 of 2 replicas are ready\n {2}cause: .* has no ready replica .*\n(?: {2}.*\n)+ {2}next: kubectl -n podrole describe deployment\/podrole-server$/m,
    );
    assert.match(out, /^podrole's webhook is not registered: new pods are not injected/m);
    assert.match(out, /^namespace shop does not have the label podrole\.io\/inject: enabled/m);
  });

  test("is one line, and ends with 1, in a cluster without podrole", async (context) => {
    const { store, runAction } = await startOperatorCluster(context);
    store.create("namespaces", { metadata: { name: "shop" } });
    const { exitCode, out, err } = await runAction(statusAction, [], { namespace: "shop" });
    assert.deepEqual([exitCode, out], [1, ""]);
    assert.match(err, /^podrole status: podrole is not installed in this cluster: .*\n$/);
  });

  for (const [resource, what] of [
    ["deployments", /^unknown: the replicas of server and webhook: needs list on deployments in namespace podrole$/m],
    ["mutatingwebhookconfigurations", /^unknown: whether the webhook is registered: needs list on mutating/m],
  ] as const) {
    test(`marks as unknown what needs ${resource}, and shows the rest`, async (context) => {
      const { kubernetes, store, run } = await cluster(context);
      store.create("pods", podWith());
      const all = ["pods", "namespaces", "deployments", "mutatingwebhookconfigurations"];
      const resources = all.filter((name) => name !== resource);
      kubernetes.restrict("user", [{ apiGroups: ["*"], resources, verbs: ["get", "list"] }]);
      const { exitCode, out } = await run([], {}, { username: "user" });
      assert.equal(exitCode, 0);
      assert.match(out, what);
      assert.match(out, /^orders +app +shop-orders +ready /m);
    });
  }

  test("answers everything that the cluster knows with the roles of manifests/base/developer.yaml", async (context) => {
    const { kubernetes, store, statusOf } = await cluster(context);
    store.create("pods", podWith());
    const [own, registration, settings] = readManifest<{ rules: PolicyRule[] }>("base/developer.yaml");
    kubernetes.restrict("developer", own?.rules ?? [], "shop");
    kubernetes.restrict("developer", registration?.rules ?? []);
    kubernetes.restrict("developer", settings?.rules ?? [], "podrole");
    for (const topic of ["pods", "roles", "refusals"]) {
      const { exitCode, status } = await statusOf([topic], {}, { username: "developer" });
      // Whoever may ask the server has a right of its own (manifests/examples/namespace-reader.yaml).
      const missing = status.unknown.filter(({ needs }) => needs.some((right) => !right.includes("podrole-reader")));
      assert.deepEqual([exitCode, missing], [0, []], topic);
    }
  });

  test("ends with 2 if pods may not be listed, and names the permission", async (context) => {
    const { kubernetes, run } = await cluster(context);
    kubernetes.restrict("user", [
      { apiGroups: ["*"], resources: ["deployments", "namespaces"], verbs: ["get", "list"] },
    ]);
    const { exitCode, out } = await run([], {}, { username: "user" });
    assert.equal(exitCode, 2);
    assert.match(out, /^unknown: pods: needs list on pods in namespace shop$/m);
  });

  test("makes control characters of names visible in every format", async (context) => {
    const { store, run } = await cluster(context);
    const evil = `${ESCAPE}[2Jorders\u202e`;
    store.create("pods", podWith({ name: evil }));
    for (const output of ["text", "wide", "json", "yaml", "name"]) {
      const { out } = await run([], { output });
      assert.ok(![ESCAPE, "\u202e"].some((character) => out.includes(character)), output);
      assert.match(out, /\[2Jorders/, output);
    }
  });

  test("colours states on a terminal only, and not with NO_COLOR", async (context) => {
    const { kubernetes, store } = await cluster(context);
    store.create("pods", podWith());
    const kubeconfig = writeTemporaryFile(context, "kubeconfig", kubernetes.kubeconfig());
    const outOf = async (isTerminal: boolean, env: Record<string, string> = {}) => {
      const terminal = createTerminal({ isTerminal, env });
      await statusAction(terminal, { kubeconfig, namespace: "shop" }, []);
      return terminal.said.out();
    };
    assert.ok((await outOf(true)).includes(`${ESCAPE}[32mready${ESCAPE}[39m`));
    for (const out of [await outOf(false), await outOf(true, { NO_COLOR: "1" }), await outOf(true, { TERM: "dumb" })]) {
      assert.ok(!out.includes(ESCAPE));
    }
    assert.ok((await outOf(true, { NO_COLOR: "" })).includes(ESCAPE));
  });

  test("--watch prints each row that changes, until it is interrupted", async (context) => {
    const { kubernetes, store } = await cluster(context);
    store.create("pods", podWith({ sidecar: DENIED }));
    const kubeconfig = writeTemporaryFile(context, "kubeconfig", kubernetes.kubeconfig());
    const interrupted = new AbortController();
    const terminal = createTerminal({ interrupted: interrupted.signal });
    const out = (text: string) => {
      terminal.out(text);
      if (/not well/.test(text)) store.replace("pods", podWith());
      if (/^orders .* ready /m.test(text)) interrupted.abort();
    };
    const exitCode = await statusAction({ ...terminal, out }, { kubeconfig, namespace: "shop", watch: "true" }, []);
    assert.equal(exitCode, 0);
    const states = terminal.said.out().match(/(?<=^orders .*)(CrashLoopBackOff|ready)/gm);
    assert.deepEqual(states, ["CrashLoopBackOff", "ready"]);
  });

  test("--watch shows the whole table again on a terminal, within its lines", async (context) => {
    const { kubernetes, store } = await cluster(context);
    store.create("pods", podWith({ sidecar: DENIED }));
    const { terminal, interrupted, flags } = createWatch(context, kubernetes.kubeconfig(), { NO_COLOR: "1" });
    const out = (text: string) => {
      terminal.out(text);
      if (text.includes("CrashLoopBackOff")) store.replace("pods", podWith());
      else interrupted.abort();
    };
    const exitCode = await statusAction({ ...terminal, out }, flags, []);
    assert.equal(exitCode, 0);
    const screens = terminal.said.out().split("\u001B[H\u001B[J").slice(1);
    assert.deepEqual(
      screens.map((screen) => /^orders +\S+ +\S+ +(?:sidecar )?(\S+)/m.exec(screen)?.[1]),
      ["CrashLoopBackOff", "ready"],
    );
    for (const screen of screens) assert.ok(screen.split("\n").length <= 10, screen);
    assert.match(
      screens[0] ?? "",
      /^\S+ {2}\(Ctrl-C ends\)\n\n[^]*\nand \d+ more lines, which this terminal has no room for\n$/,
    );
  });

  test("--watch appends rows to a terminal without cursor control", async (context) => {
    const { kubernetes, store } = await cluster(context);
    store.create("pods", podWith());
    const { terminal, interrupted, flags } = createWatch(context, kubernetes.kubeconfig(), { TERM: "dumb" });
    const out = (text: string) => {
      terminal.out(text);
      interrupted.abort();
    };
    await statusAction({ ...terminal, out }, flags, []);
    assert.ok(!terminal.said.out().includes("\u001B"));
  });

  test("lists pods page by page", async (context) => {
    const { store, statusOf } = await cluster(context);
    for (let index = 0; index < 1_100; index++) store.create("pods", podWith({ name: `orders-${index}` }));
    const { exitCode, status } = await statusOf();
    assert.deepEqual([exitCode, status.pods?.length], [0, 1_100]);
  });

  for (const [what, args, flags, said] of [
    ["-n with -A", [], { allNamespaces: "true" }, /--namespace and --all-namespaces exclude each other/],
    ["--watch with -o json", [], { watch: "true", output: "json" }, /--watch: json cannot be written row by row/],
    ["a namespace of trust", ["trust"], {}, /expected neither with trust/],
    ["a namespace that does not exist", [], { namespace: "shpo" }, /--namespace: there is no namespace "shpo"/],
    ["podrole's own namespace", [], { namespace: "podrole" }, /"podrole" is podrole's own namespace/],
    ["an unknown context", [], { context: "elsewhere" }, /no context "elsewhere"; expected one of emulator/],
    ["a kubeconfig that does not exist", [], { kubeconfig: "/nowhere" }, /cannot be read/],
  ] as const) {
    test(`refuses ${what}`, async (context) => {
      const { run } = await cluster(context);
      const { exitCode, out, err } = await run(args, flags);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, said);
    });
  }

  test("reports a selector that the API server refuses", async (context) => {
    const { run } = await cluster(context);
    const { exitCode, out } = await run([], { selector: "a in (" });
    assert.equal(exitCode, 2);
    assert.match(out, /^unknown: pods: Cannot list pods/m);
  });

  test("ends with 2 and two lines when the API server cannot be reached", async (context) => {
    const { kubernetes, run } = await cluster(context);
    kubernetes.faults.down = true;
    const { exitCode, out, err } = await run();
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(
      err,
      /^podrole status: Cannot list \S+: cannot connect to https:\S+: .*\npodrole status: the current context of kubeconfig .*\n$/,
    );
  });
});

/** A terminal of ten lines, which `interrupted` ends, and the flags of a watch. */
function createWatch(context: TestContext, kubeconfig: string, env: NodeJS.Dict<string>) {
  const interrupted = new AbortController();
  const terminal = createTerminal({ interrupted: interrupted.signal, isTerminal: true, rows: 10, env });
  const file = writeTemporaryFile(context, "kubeconfig", kubeconfig);
  return { terminal, interrupted, flags: { kubeconfig: file, namespace: "shop", watch: "true" } };
}
