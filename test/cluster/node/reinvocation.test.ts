// Another mutating webhook that adds a container is called before and after podrole's webhook. In both orders the added
// container gets the role that the annotations give it, and nothing is injected twice.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { appContainer, deploymentManifest, podManifest } from "./pods.ts";
import { assumedRolePattern, kubectl, Not, printDiagnosis, rolledOut, untilSuccess, useNamespace } from "./suite.ts";

// The API server calls mutating webhooks in the order of their configurations' names.
const CONFIGURATIONS = { before: "a-other", after: "z-other" } as const;

suite("another mutating webhook", { timeout: 600_000 }, () => {
  const shop = useNamespace("reinvocation");
  const orders = assumedRolePattern("shop-orders", shop.name);
  afterEach((context) => printDiagnosis(context, shop.name));

  before(async () => {
    const { key, certificate } = createCertificate(`other.${shop.name}.svc`);
    const data = { "tls.key": key, "tls.crt": certificate };
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "tls" }, stringData: data };
    await shop.apply(JSON.stringify(secret));
    const mount = { name: "tls", mountPath: "/tls" };
    const env = [{ name: "ADDED", value: JSON.stringify(appContainer("added")) }];
    const readinessProbe = { tcpSocket: { port: 8443 }, periodSeconds: 1 };
    const container = appContainer("other", "stay", {
      args: ["/app/other.cjs"],
      env,
      volumeMounts: [mount],
      readinessProbe,
    });
    const spec = { volumes: [{ name: "tls", secret: { secretName: "tls" } }] };
    await shop.apply(deploymentManifest("other", { containers: [container], spec }));
    const ports = [{ port: 443, targetPort: 8443 }];
    const service = { metadata: { name: "other" }, spec: { selector: { app: "other" }, ports } };
    await shop.apply(JSON.stringify({ apiVersion: "v1", kind: "Service", ...service }));
    await rolledOut(shop.name, "deployment/other");
    for (const [order, name] of Object.entries(CONFIGURATIONS)) {
      await kubectl.ok(["apply", "-f", "-"], configuration(name, order, certificate));
      // The API server learns of the configuration, and kube-proxy of the Service, a moment later.
      await untilSuccess(`the webhook that is called ${order} podrole's`, async () => {
        const names = ["create", "--dry-run=server", "-o", "jsonpath={.spec.containers[*].name}", "-f", "-"];
        const { out, err } = await shop.run(names, podManifest("probe", { labels: { other: order } }));
        return out.includes("added") ? out : new Not(out + err);
      });
    }
  });
  after(async () => {
    await kubectl.run(["delete", "mutatingwebhookconfiguration", ...Object.values(CONFIGURATIONS)]);
  });

  function configuration(name: string, order: string, certificate: string): string {
    const webhook = {
      name: `${name}.example.com`,
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      reinvocationPolicy: "IfNeeded",
      clientConfig: { service: { namespace: shop.name, name: "other" }, caBundle: btoa(certificate) },
      objectSelector: { matchLabels: { other: order } },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
    };
    return JSON.stringify({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name },
      webhooks: [webhook],
    });
  }

  for (const order of Object.keys(CONFIGURATIONS)) {
    test(`called ${order} podrole's: the added container has the pod's role, and one sidecar is injected`, async () => {
      await shop.apply(podManifest(`shared-${order}`, { role: "shop-orders", labels: { other: order } }));
      await shop.logs(`shared-${order}`, orders, "app");
      await shop.logs(`shared-${order}`, orders, "added");
      const names = "jsonpath={.spec.initContainers[*].name} {.spec.containers[*].name}";
      const containers = await shop.ok(["get", "pod", `shared-${order}`, "-o", names]);
      assert.deepEqual(containers.split(" "), ["podrole-sidecar", "app", "added"]);
    });

    test(`called ${order} podrole's: the added container gets no role if the pod's annotations exclude it`, async () => {
      const annotations = { "podrole.io/containers": "app" };
      const name = `alone-${order}`;
      await shop.apply(podManifest(name, { role: "shop-orders", annotations, labels: { other: order } }));
      await shop.logs(name, orders, "app");
      const env = await shop.ok([
        "get",
        "pod",
        name,
        "-o",
        "jsonpath={.spec.containers[?(@.name=='added')].env[*].name}",
      ]);
      assert.doesNotMatch(env, /AWS_CONTAINER_/);
      assert.match(env, /AWS_EC2_METADATA_DISABLED/);
    });
  }
});

function createCertificate(host: string): { readonly key: string; readonly certificate: string } {
  const directory = mkdtempSync(join(tmpdir(), "podrole-other-"));
  const [key, certificate] = [join(directory, "tls.key"), join(directory, "tls.crt")];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const { status, stderr } = spawnSync("openssl", [...args, ...names, "-keyout", key, "-out", certificate], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  const pair = { key: readFileSync(key, "utf8"), certificate: readFileSync(certificate, "utf8") };
  rmSync(directory, { recursive: true });
  return pair;
}
