// Pod certificates on a real API server and kubelet of Kubernetes 1.37: pods with one beside pods with a token, and
// requests that are refused or denied. An older cluster is tested by pod-certificates-absent.test.ts.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { ROOT } from "../../files.ts";
import { appContainer, deploymentManifest, podManifest } from "./pods.ts";
import { assumedRolePattern, kubectl, Not, printDiagnosis, rolledOut, untilSuccess, useNamespace } from "./suite.ts";

const OBJECTS = join(ROOT, "manifests/components/pod-certificates/objects.yaml");
const SERVED = await kubectl.run(["get", "podcertificaterequests", "--all-namespaces"]);
const skip = SERVED.code === 0 ? false : "the API server does not serve PodCertificateRequests";

async function setSigner(value: "on" | "off"): Promise<void> {
  await kubectl.ok(["-n", "podrole", "set", "env", "deployment/podrole-server", `PODROLE_POD_CERTIFICATES=${value}`]);
  await rolledOut("podrole", "deployment/podrole-server");
}

suite("pod certificates", { timeout: 900_000, skip }, () => {
  const annotations = { "podrole.io/pod-certificates": "enabled" };
  const modern = useNamespace("modern", {
    annotations,
    labels: { "pod-security.kubernetes.io/enforce": "restricted" },
  });
  const plain = useNamespace("plain");
  before(async () => {
    await kubectl.ok(["apply", "-f", OBJECTS]);
    await setSigner("on");
  });
  after(async () => {
    await setSigner("off");
    await kubectl.ok(["delete", "-f", OBJECTS]);
    await kubectl.ok(["delete", "clustertrustbundle", "podrole.io:pod:trust", "--ignore-not-found"]);
  });
  afterEach((context) => printDiagnosis(context, modern.name));

  async function requestsOf(namespace: typeof modern): Promise<readonly PodCertificateRequest[]> {
    const text = await namespace.ok(["get", "podcertificaterequests", "-o", "json"]);
    return (JSON.parse(text) as { readonly items: readonly PodCertificateRequest[] }).items;
  }

  test("pods with a certificate get their role without a token, beside pods with a token", async () => {
    for (const namespace of [modern, plain]) {
      await namespace.apply(deploymentManifest("orders", { role: "shop-orders" }, 5));
    }
    for (const namespace of [modern, plain]) {
      await rolledOut(namespace.name, "deployment/orders");
      await namespace.logs("deployment/orders", assumedRolePattern("shop-orders", namespace.name));
    }
    const volumes = (namespace: typeof modern) => namespace.ok(["get", "pods", "-o", "jsonpath={..volumes}"]);
    const [withCertificate, withToken] = [await volumes(modern), await volumes(plain)];
    assert.match(withCertificate, /podCertificate/);
    assert.doesNotMatch(withCertificate, /serviceAccountToken/);
    assert.match(withToken, /serviceAccountToken/);
    const [requests, others] = [await requestsOf(modern), await requestsOf(plain)];
    assert.deepEqual([new Set(requests.map(({ spec }) => spec.podUID)).size, others.length], [5, 0]);
    for (const { status } of requests) assert.equal(status?.conditions?.[0]?.type, "Issued");
  });

  test("the ClusterTrustBundle has the certificates of ConfigMap podrole-trust", async () => {
    const bundle = await kubectl.ok([
      "get",
      "clustertrustbundle",
      "podrole.io:pod:trust",
      "-o",
      "jsonpath={.spec.trustBundle}",
    ]);
    const map = ["-n", "podrole", "get", "configmap", "podrole-trust", "-o", String.raw`jsonpath={.data.bundle\.pem}`];
    assert.equal(bundle.trim(), (await kubectl.ok(map)).trim());
  });

  test("a cluster administrator is refused a certificate of podrole's signer", async () => {
    const [model] = await requestsOf(modern);
    const request = {
      apiVersion: "certificates.k8s.io/v1",
      kind: "PodCertificateRequest",
      metadata: { name: "forged" },
      spec: model?.spec,
    };
    const { code, err } = await modern.run(["create", "-f", "-"], JSON.stringify(request));
    assert.notEqual(code, 0);
    assert.match(err, /only the kubelet of the pod's node may request a certificate of signer podrole\.io\/pod/);
  });

  test("a pod without podrole that mounts such a certificate is denied, and its Events say why", async () => {
    const projected = {
      sources: [
        { podCertificate: { signerName: "podrole.io/pod", keyType: "ECDSAP256", credentialBundlePath: "c.pem" } },
      ],
    };
    const volumeMounts = [{ name: "own", mountPath: "/own" }];
    const containers = [appContainer("app", "start", { volumeMounts })];
    await modern.apply(podManifest("impostor", { containers, spec: { volumes: [{ name: "own", projected }] } }));
    const events = await untilSuccess("an Event of the denial", async () => {
      const text = await modern.events("impostor");
      return /POD_NOT_INJECTED/.test(text) ? text : new Not(text);
    });
    assert.match(events, /denied/);
    const phase = await modern.ok(["get", "pod", "impostor", "-o", "jsonpath={.status.phase}"]);
    assert.equal(phase, "Pending");
  });
});
