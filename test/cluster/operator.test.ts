// Operator tasks on a real API server: podrole check with one defect at a time, podrole explain, and a manual CA
// rotation beside a running server and webhook. RBAC, access reviews and webhook calls are Kubernetes' own. No node
// runs the pods of the Deployments here, so their readiness checks always fail.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { until } from "../../emulators/until.ts";
import type { Finding } from "../../src/operations/check/finding.ts";
import type { Explanation } from "../../src/operations/explain/model.ts";
import { splitBundle } from "../../src/pki/bundle.ts";
import { ROOT } from "../files.ts";
import { CLUSTER_ACCOUNT, type Installation, installOnCluster } from "./installation.ts";
import { createKubectl } from "./kubectl.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl", PODROLE_TEST_HOST: host = "127.0.0.1" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const NAMESPACE = `till-${process.pid}`;
const root = (path: string) => join(ROOT, path);
/** More than two minutes: each of podrole's programs checks the CA once a minute. */
const CA_CHECKS_MS = 150_000;

interface ProgramResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function podrole(args: readonly string[], config = kubeconfig): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const all = [root("src/cli/main.ts"), ...args, "--kubeconfig", config];
    execFile(process.execPath, all, { env: { PATH: process.env["PATH"] } }, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
  });
}

async function check(...args: string[]) {
  const { code, out, err } = await podrole(["check", "-o", "json", ...args]);
  assert.notEqual(code, 2, err);
  const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
  const of = (id: string) => findings.filter((finding) => finding.id === id);
  return { code, of, state: (id: string) => of(id)[0]?.state, message: (id: string) => of(id)[0]?.message ?? "" };
}

function untilChecked(condition: () => Promise<boolean>, what: string): Promise<void> {
  return until(condition, what, { timeoutMs: CA_CHECKS_MS, intervalMs: 1_000 });
}

const pod = (name: string, role: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${NAMESPACE}, annotations: { iam.amazonaws.com/role: ${role} } }
spec:
  automountServiceAccountToken: false
  nodeSelector: { podrole.io/suite: none }
  containers: [{ name: app, image: app }]
`;

suite("an operator on a real API server", { timeout: 600_000 }, () => {
  let installation: Installation;
  let directory: string;

  before(async () => {
    // The deletion of another suite's installation may not have finished.
    await untilChecked(
      async () => (await kubectl.run(["get", "namespace", "podrole"])).code !== 0,
      "the deletion of an earlier installation",
    );
    directory = await mkdtemp(join(tmpdir(), "podrole-operator-"));
    const roles = [{ name: "till-orders", isTrusted: true }];
    installation = await installOnCluster(kubectl, { kubeconfig, host, roles, images: {} });
    const common = ["-n", "podrole", "create", "configmap", "podrole-common"];
    await kubectl.ok([...common, `--from-literal=PODROLE_ROLE_BASE_ARN=arn:aws:iam::${CLUSTER_ACCOUNT}:role/`]);
    for (const file of ["priority-class", "server", "webhook", "pod-status-policy"]) {
      await kubectl.ok(["apply", "-f", root(`manifests/base/${file}.yaml`)]);
    }
    await kubectl.ok(["create", "namespace", NAMESPACE]);
    await untilChecked(
      async () => (await kubectl.run(["-n", NAMESPACE, "get", "serviceaccount", "default"])).code === 0,
      "the default ServiceAccount",
    );
    await kubectl.ok(["apply", "-f", "-"], pod("older", "till-orders"));
    await kubectl.ok(["annotate", "namespace", NAMESPACE, `iam.amazonaws.com/permitted=.*:role/till-.*`]);
    await kubectl.ok(["label", "namespace", NAMESPACE, "podrole.io/inject=enabled"]);
  });
  after(async () => {
    await kubectl.run(["delete", "namespace", NAMESPACE, "--wait=false"]);
    for (const file of ["pod-status-policy", "webhook", "server", "priority-class"]) {
      await kubectl.run(["delete", "-f", root(`manifests/base/${file}.yaml`), "--ignore-not-found", "--wait=false"]);
    }
    await installation?.uninstall();
    await rm(directory, { recursive: true, force: true });
  });

  test("check: a healthy installation passes, by Kubernetes' own reviews, certificates and admission", async (context) => {
    const { state, of } = await check();
    const expected = [
      ...["API_VERSION", "NATIVE_SIDECARS", "ADMISSION_API", "NAMESPACE", "DISRUPTION_BUDGETS", "SETTINGS"],
      ...["RIGHTS_SERVER", "RIGHTS_WEBHOOK", "RIGHTS_SERVER_NARROW", "RIGHTS_WEBHOOK_NARROW"],
      ...["TRUST_BUNDLE", "CA_SLOTS", "CA_BUNDLE", "WEBHOOK_REGISTERED", "WEBHOOK_SELECTOR", "FAILURE_POLICY"],
      "ANNOTATIONS_GUARDED",
      ...["ADMISSION", "NAMESPACES_PERMIT", "EXPRESSIONS", "ROLES_PERMITTED"],
    ];
    assert.deepEqual(
      expected.filter((id) => state(id) !== "ok").map((id) => of(id)),
      [],
    );
    context.diagnostic((await podrole(["check"])).out.split("\n").at(-2) ?? "");
  });

  test("check: reports Deployments without a ready pod, and a pod that is older than the label", async () => {
    const { code, state, of, message } = await check();
    assert.equal(code, 1);
    assert.equal(state("SERVER_READY"), "failed");
    assert.match(message("WEBHOOK_READY"), /None of 2 replicas/);
    assert.deepEqual(
      of("PODS_INJECTED").map(({ object }) => object),
      [`pod ${NAMESPACE}/older`],
    );
    await kubectl.ok(["-n", NAMESPACE, "delete", "pod", "older", "--force", "--grace-period=0"]);
    assert.equal((await check()).state("PODS_INJECTED"), "ok");
  });

  test("check: reports a server that is scaled to 0", async () => {
    await kubectl.ok(["-n", "podrole", "scale", "deployment/podrole-server", "--replicas=0"]);
    assert.match((await check()).message("SERVER_READY"), /scaled to 0/);
    await kubectl.ok(["-n", "podrole", "scale", "deployment/podrole-server", "--replicas=2"]);
    assert.doesNotMatch((await check()).message("SERVER_READY"), /scaled to 0/);
  });

  test("check: reports a removed caBundle until the server has restored it", async (context) => {
    const path = '[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":""}]';
    // The servers check each minute, so they may restore it while a check runs: the next one comes at most a minute
    // later.
    let checked: Awaited<ReturnType<typeof check>> | undefined;
    const isSeen = async () => {
      await kubectl.ok(["patch", "mutatingwebhookconfiguration", "podrole", "--type=json", "-p", path]);
      checked = await check();
      return checked.state("CA_BUNDLE") === "failed" && checked.state("ADMISSION") === "failed";
    };
    await untilChecked(isSeen, "a check that ends before the server restores caBundle");
    const message = checked?.message("ADMISSION") ?? "";
    context.diagnostic(message);
    assert.equal(checked?.code, 1);
    assert.match(message, /failed calling webhook.*x509/s);
    await untilChecked(async () => (await check()).state("ADMISSION") === "ok", "the server to restore caBundle");
  });

  test("check: reports a binding that lets the webhook read more than it needs", async () => {
    const binding = `podrole-suite-${process.pid}`;
    const subject = "--serviceaccount=podrole:podrole-webhook";
    await kubectl.ok(["create", "clusterrolebinding", binding, "--clusterrole=view", subject]);
    const view = await check();
    await kubectl.ok(["delete", "clusterrolebinding", binding]);
    assert.match(view.message("RIGHTS_WEBHOOK_NARROW"), /may list pods.*expected none of these/);
    assert.equal((await check()).state("RIGHTS_WEBHOOK_NARROW"), "ok");
  });

  test("check: reports a labelled namespace that permits no role", async () => {
    const name = `${NAMESPACE}-empty`;
    await kubectl.ok(["create", "namespace", name]);
    await kubectl.ok(["label", "namespace", name, "podrole.io/inject=enabled"]);
    const { of } = await check();
    await kubectl.ok(["delete", "namespace", name, "--wait=false"]);
    assert.deepEqual(
      of("NAMESPACES_PERMIT").map(({ object, state }) => [object, state]),
      [[`namespace ${name}`, "failed"]],
    );
  });

  test("explain: shows a pod that is injected, and one that would be refused", async (context) => {
    await kubectl.ok(["apply", "-f", "-"], pod("orders", "till-orders"));
    const text = await podrole(["explain", "pod/orders", "-n", NAMESPACE]);
    context.diagnostic(text.out);
    // This cluster has no kubelet, so no sidecar becomes ready.
    assert.equal(text.code, 1, text.err);
    assert.match(text.out, /podrole-sidecar has not been started: /);
    assert.match(text.out, new RegExp(`role/till-orders \\(the pod's annotation\\): session name ${NAMESPACE}.orders`));
    const file = join(directory, "pod.yaml");
    await writeFile(file, pod("intruder", "payroll-admin"));
    const refused = await podrole(["explain", "-f", file, "-o", "json"]);
    assert.equal(refused.code, 1, refused.err);
    assert.equal((JSON.parse(refused.out) as Explanation[])[0]?.now.reason, "ROLE_FORBIDDEN");
    const applied = await kubectl.run(["apply", "-f", "-"], pod("intruder", "payroll-admin"));
    assert.match(applied.err, /ROLE_FORBIDDEN/);
  });

  /** Writes a kubeconfig of a ServiceAccount that may view podrole's namespace and use `verbs` on the CA's Secret. */
  async function caAccount(name: string, verbs: string): Promise<string> {
    const inPodrole = ["-n", "podrole"];
    await kubectl.ok([...inPodrole, "create", "serviceaccount", name]);
    const ca = ["--resource=secrets", "--resource-name=podrole-ca"];
    await kubectl.ok([...inPodrole, "create", "role", `${name}-ca`, `--verb=${verbs}`, ...ca]);
    await kubectl.ok([
      ...inPodrole,
      "create",
      "rolebinding",
      `${name}-ca`,
      `--role=${name}-ca`,
      `--serviceaccount=podrole:${name}`,
    ]);
    const view = ["--clusterrole=view", `--serviceaccount=podrole:${name}`];
    await kubectl.ok([...inPodrole, "create", "rolebinding", `${name}-view`, ...view]);
    const token = (await kubectl.ok([...inPodrole, "create", "token", name])).trim();
    const config = parse(await readFile(kubeconfig, "utf8")) as { users: { name: string; user: unknown }[] };
    const path = join(directory, name);
    await writeFile(
      path,
      stringify({ ...config, users: config.users.map(({ name: user }) => ({ name: user, user: { token } })) }),
    );
    return path;
  }

  const bundle = async () =>
    splitBundle(
      await kubectl.ok(["-n", "podrole", "get", "configmap", "podrole-trust", "-o", "jsonpath={.data.bundle\\.pem}"]),
    );

  test("rotate: replaces a compromised CA beside a running server and webhook, with access only to the CA's Secret", async (context) => {
    const reader = await caAccount("reader", "get");
    const rotator = await caAccount("rotator", "get,patch");
    const [old] = await bundle();
    const version = () =>
      kubectl.ok(["-n", "podrole", "get", "secret", "podrole-ca", "-o", "jsonpath={.metadata.resourceVersion}"]);
    const before = await version();
    context.diagnostic((await podrole(["rotate", "status"], reader)).out);
    const denied = await podrole(["rotate", "prepare"], reader);
    assert.equal(denied.code, 2);
    assert.match(denied.err, /expected permission to patch secrets in namespace "podrole"/);
    assert.equal(await version(), before);

    const prepared = await podrole(["rotate", "prepare"], rotator);
    assert.equal(prepared.code, 0, prepared.err);
    await untilChecked(async () => (await bundle()).length === 2, "the server to publish the next CA");
    const early = await podrole(["rotate", "activate"], rotator);
    assert.equal(early.code, 1);
    assert.match(early.err, /published too recently: wait \d+ minutes/);
    assert.equal((await podrole(["rotate", "activate", "--force"], rotator)).code, 0);
    const still = await podrole(["rotate", "retire"], rotator);
    assert.equal(still.code, 1);
    assert.match(still.err, /certificates of the previous CA are still valid/);
    assert.equal((await check()).state("ADMISSION"), "ok");

    assert.equal((await podrole(["rotate", "retire", "--force"], rotator)).code, 0);
    await untilChecked(async () => (await bundle()).length === 1, "the server to drop the old CA");
    assert.notEqual((await bundle())[0], old);
    await untilChecked(
      async () => (await check()).state("ADMISSION") === "ok",
      "the webhook to serve a certificate of the new CA",
    );
    const after = await check();
    assert.deepEqual(["CA_SLOTS", "CA_BUNDLE", "TRUST_BUNDLE"].map(after.state), ["ok", "ok", "ok"]);
    await kubectl.ok(["apply", "-f", "-"], pod("afterwards", "till-orders"));
  });
});
