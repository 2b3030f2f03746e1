// From kubectl apply to an AWS call, on a real API server: admission, RBAC, TokenReview, pod lookup and audit log are
// Kubernetes' own. The containers of the injected pods run as processes on this host.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { RunningPod } from "../../emulators/kubelet/node.ts";
import { until } from "../../emulators/until.ts";
import { hasFinished, type Pod } from "../../src/kubernetes/objects.ts";
import { CLUSTER_ACCOUNT, type Installation, installOnCluster } from "./installation.ts";
import { createKubectl } from "./kubectl.ts";
import { sdkImages } from "./sdks.ts";

const {
  KUBECONFIG: kubeconfig = "",
  KUBECTL: binary = "kubectl",
  AUDIT_LOG: auditLog,
  PODROLE_TEST_HOST: host = "127.0.0.1",
  PODROLE_TEST_API_SERVER_CA: apiServerCa,
} = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const NAMESPACE = `shop-${process.pid}`;

/** Resolves with the pod's final phase; after 30 s fails with the pod's description and logs. */
async function finalPhase(running: RunningPod): Promise<string> {
  try {
    return (await running.until((status) => hasFinished({ status }), AbortSignal.timeout(30_000))).phase;
  } catch {
    const logs = ["podrole-sidecar", "app"].map((name) => `--- ${name}\n${running.logs(name)}`);
    return assert.fail(`the pod did not finish\n${running.describe()}\n${logs.join("\n")}`);
  }
}

const manifest = (kind: "Deployment" | "Pod", name: string, role: string, image: string, stsUrl: string) => {
  const template = `
metadata:
  name: ${name}
  namespace: ${NAMESPACE}
  labels: { app: ${name} }
  annotations: { iam.amazonaws.com/role: ${role} }
spec:
  restartPolicy: ${kind === "Pod" ? "Never" : "Always"}
  automountServiceAccountToken: false
  nodeSelector: { podrole.io/suite: none }
  containers:
    - name: app
      image: ${image}
      env:
        - { name: AWS_ENDPOINT_URL_STS, value: "${stsUrl}" }
        - { name: HOME, value: /tmp }
`;
  if (kind === "Pod") return `apiVersion: v1\nkind: Pod${template}`;
  const indented = template.replaceAll("\n", "\n    ");
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name} } }
  template:${indented}
`;
};

suite("on a real API server", { timeout: 300_000 }, () => {
  let podrole: Installation;
  const images = sdkImages(process.env);

  before(async () => {
    podrole = await installOnCluster(kubectl, {
      kubeconfig,
      host,
      apiServerCa,
      images,
      roles: [
        { name: "shop-orders", isTrusted: true },
        { name: "shop-broken", isTrusted: false },
        { name: "payroll-admin", isTrusted: true },
      ],
    });
    const permitted = `arn:aws:iam::${CLUSTER_ACCOUNT}:role/shop-.*`;
    await kubectl.ok(
      ["apply", "-f", "-"],
      `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels: { podrole.io/inject: enabled, pod-security.kubernetes.io/warn: baseline }
  annotations: { iam.amazonaws.com/permitted: "${permitted}" }
`,
    );
    await until(
      async () => (await kubectl.run(["-n", NAMESPACE, "get", "serviceaccount", "default"])).code === 0,
      "the default ServiceAccount",
    );
  });
  after(async () => {
    await kubectl.run(["delete", "namespace", NAMESPACE, "--wait=false"]);
    await podrole?.uninstall();
  });

  const pods = async (app: string) =>
    (await kubectl.json<{ items: Pod[] }>(["-n", NAMESPACE, "get", "pods", "-l", `app=${app}`])).items;

  test("kubectl apply of a Deployment creates injected pods", async () => {
    await kubectl.ok(
      ["apply", "-f", "-"],
      manifest("Deployment", "web", "shop-orders", "sdk/javascript:3", podrole.sts.url),
    );
    await until(async () => (await pods("web")).length === 2, "two pods of the Deployment");
    for (const pod of await pods("web")) {
      assert.deepEqual(
        pod.spec.initContainers?.map(({ name }) => name),
        ["podrole-sidecar"],
      );
      const mounts = pod.spec.initContainers?.flatMap(({ volumeMounts }) => volumeMounts ?? []) ?? [];
      const foreign = mounts.filter(({ name }) => !name.startsWith("podrole-"));
      assert.deepEqual(foreign, [], "no token for the Kubernetes API in podrole-sidecar");
      assert.equal(pod.metadata.labels?.["podrole.io/injected"], "true");
      const env = pod.spec.containers[0]?.env?.map(({ name }) => name) ?? [];
      assert.ok(
        env.includes("AWS_CONTAINER_CREDENTIALS_FULL_URI") && env.includes("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
      );
    }
  });

  for (const [index, image] of Object.keys(images).entries()) {
    test(`${image} gets the pod's role with only the injected environment`, async (context) => {
      const name = `sdk-${index}`;
      await kubectl.ok(["apply", "-f", "-"], manifest("Pod", name, "shop-orders", image, podrole.sts.url));
      const [pod] = await pods(name);
      const running = podrole.node.run(pod as Pod, { portOffset: 10_000 + 10 * index });
      const phase = await finalPhase(running);
      const log = running.logs("app");
      context.diagnostic(`${image}: ${log.trim()}`);
      assert.equal(phase, "Succeeded", `${running.describe()}\n${running.logs("podrole-sidecar")}\n${log}`);
      assert.match(log, new RegExp(`arn:aws:sts::${CLUSTER_ACCOUNT}:assumed-role/shop-orders/${NAMESPACE}.${name}`));
      await running.stop(1_000);
    });
  }

  test("ROLE_FORBIDDEN: the ReplicaSet's event shows podrole's message for a forbidden role", async (context) => {
    await kubectl.ok(
      ["apply", "-f", "-"],
      manifest("Deployment", "intruder", "payroll-admin", "sdk/javascript:3", podrole.sts.url),
    );
    const events = async () =>
      (
        await kubectl.json<{ items: { message: string; involvedObject: { kind: string } }[] }>([
          "-n",
          NAMESPACE,
          "get",
          "events",
        ])
      ).items.filter(
        ({ involvedObject, message }) => involvedObject.kind === "ReplicaSet" && message.includes("ROLE_FORBIDDEN"),
      );
    await until(async () => (await events()).length > 0, "the ReplicaSet's event");
    const message = (await events())[0]?.message ?? "";
    context.diagnostic(message);
    assert.match(
      message,
      /admission webhook "pods\.podrole\.io" denied the request: ROLE_FORBIDDEN: .*role\/payroll-admin/,
    );
    assert.deepEqual(await pods("intruder"), []);
  });

  test("ROLE_FORBIDDEN: kubectl apply of a pod shows the same message", async (context) => {
    const { code, err } = await kubectl.run(
      ["apply", "-f", "-"],
      manifest("Pod", "direct", "payroll-admin", "sdk/javascript:3", podrole.sts.url),
    );
    context.diagnostic(err.trim());
    assert.equal(code, 1);
    assert.match(err, /^Error from server.*ROLE_FORBIDDEN: /s);
  });

  test("dry runs are decided like any other creation and create nothing", async () => {
    const yaml = manifest("Pod", "dry", "shop-orders", "sdk/javascript:3", podrole.sts.url);
    const planned = JSON.parse(await kubectl.ok(["apply", "--dry-run=server", "-o", "json", "-f", "-"], yaml)) as Pod;
    assert.equal(planned.spec.initContainers?.[0]?.name, "podrole-sidecar");
    assert.deepEqual(await pods("dry"), []);
  });

  test("--api-server-ca: the API server proves itself to the webhook; another caller is rejected", {
    skip: apiServerCa === undefined && "the cluster's API server shows no client certificate to webhooks",
  }, async () => {
    const admissions = () => podrole.webhook.lines.filter((line) => line["audit"] === "admission");
    assert.ok(admissions().length > 0);
    assert.ok(admissions().every(({ caller }) => caller === "api-server"));
    const before = admissions().length;
    const url = `https://${host}:${podrole.webhook.ports["webhook"]}/mutate`;
    const { status, stderr } = spawnSync("curl", ["-sSk", "--data", "{}", url], { encoding: "utf8" });
    assert.notEqual(status, 0, "curl got an answer without a certificate");
    assert.match(stderr, /certificate required|reset|alert/i);
    assert.equal(admissions().length, before);
  });

  test("STS_DENIED: the pod does not start; kubectl describe and an Event show the error from STS", async (context) => {
    await kubectl.ok(
      ["apply", "-f", "-"],
      manifest("Pod", "broken", "shop-broken", "sdk/javascript:3", podrole.sts.url),
    );
    const [pod] = await pods("broken");
    const running = podrole.node.run(pod as Pod, { portOffset: 11_000 });
    await until(async () => /STS_DENIED/.test(running.describe()), "STS_DENIED in the description");
    context.diagnostic(running.describe());
    assert.equal(running.status().phase, "Pending");
    const reasons = async () =>
      await kubectl.ok([
        "-n",
        NAMESPACE,
        "get",
        "events",
        "--field-selector",
        "involvedObject.name=broken",
        "-o",
        "jsonpath={.items[*].reason}",
      ]);
    await until(async () => (await reasons()).includes("STS_DENIED"), "an Event STS_DENIED on the pod");
    await running.stop(1_000);
  });

  test("a pod whose object is deleted gets no certificate", async () => {
    await kubectl.ok(["apply", "-f", "-"], manifest("Pod", "gone", "shop-orders", "sdk/javascript:3", podrole.sts.url));
    const [pod] = await pods("gone");
    await kubectl.ok(["-n", NAMESPACE, "delete", "pod", "gone", "--force", "--grace-period=0"]);
    const before = podrole.server.lines.filter(
      (line) => line["audit"] === "certificate" && line["pod"] === "gone",
    ).length;
    const running = podrole.node.run(pod as Pod, { portOffset: 12_000 });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await running.stop(500);
    const issued = podrole.server.lines.filter(
      (line) => line["pod"] === "gone" && line["decision"] === "issued",
    ).length;
    assert.equal(issued, before);
  });

  test("the API server's audit log contains the decision and the roles", {
    skip: auditLog === undefined && "the cluster's audit log is not available",
  }, async (context) => {
    const lines = (await readFile(auditLog as string, "utf8"))
      .split("\n")
      .filter((line) => line.includes("pods.podrole.io"));
    const annotated = lines.map(
      (line) => JSON.parse(line) as { annotations?: Record<string, string>; objectRef?: { namespace?: string } },
    );
    const ours = annotated
      .filter(({ objectRef }) => objectRef?.namespace === NAMESPACE)
      .map(({ annotations = {} }) => annotations);
    const injected = ours.find((annotations) => annotations["pods.podrole.io/reason"] === "INJECTED");
    const refused = ours.find((annotations) => annotations["pods.podrole.io/reason"] === "ROLE_FORBIDDEN");
    context.diagnostic(JSON.stringify(injected));
    assert.equal(injected?.["pods.podrole.io/decision"], "inject");
    assert.equal(injected?.["pods.podrole.io/roles"], `app=arn:aws:iam::${CLUSTER_ACCOUNT}:role/shop-orders`);
    assert.equal(refused?.["pods.podrole.io/decision"], "refuse");
  });

  test("podrole audit joins its own records with the API server's: who created the pod, who requested its token", {
    skip: auditLog === undefined && "the cluster's audit log is not available",
  }, async (context) => {
    const lines = [...podrole.webhook.lines, ...podrole.server.lines].map((line) => JSON.stringify(line)).join("\n");
    const entry = join(import.meta.dirname, "../../src/cli/main.ts");
    const args = ["audit", "who", "--role", "shop-orders", "-n", NAMESPACE, "-o", "json", "-f", "-"];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [entry, ...args, "--api-audit-log", auditLog as string],
      { input: lines, encoding: "utf8", env: { PATH: process.env["PATH"] } },
    );
    assert.equal(status, 0, stderr);
    const rows = JSON.parse(stdout) as {
      pod: string;
      admission: { user: string };
      apiServer?: { user?: string; userAgent?: string; tokenAskedForBy?: string };
    }[];
    context.diagnostic(JSON.stringify(rows[0]));
    assert.ok(rows.length > 0, stderr);
    for (const { pod, admission, apiServer } of rows) {
      assert.equal(apiServer?.user, admission.user, pod);
      assert.match(apiServer?.userAgent ?? "", /^kube/, pod);
      assert.ok(apiServer?.tokenAskedForBy, pod);
    }
  });

  test("the server's and webhook's RBAC is sufficient and minimal", async () => {
    const can = async (account: string, ...args: string[]) =>
      (
        await kubectl.run(["auth", "can-i", ...args, "--as", `system:serviceaccount:podrole:podrole-${account}`])
      ).out.trim();
    assert.equal(await can("server", "get", "secret/podrole-ca", "-n", "podrole"), "yes");
    assert.equal(await can("server", "get", "secrets", "-n", "podrole"), "no");
    assert.equal(await can("server", "get", "secrets", "-n", NAMESPACE), "no");
    assert.equal(await can("server", "create", "pods", "-n", NAMESPACE), "no");
    assert.equal(await can("server", "patch", "mutatingwebhookconfigurations/other"), "no");
    assert.equal(await can("webhook", "list", "pods", "-n", NAMESPACE), "no");
    assert.equal(await can("webhook", "create", "events", "-n", NAMESPACE), "no");
    assert.equal(await can("webhook", "get", "configmap/podrole-trust", "-n", "podrole"), "yes");
  });
});
