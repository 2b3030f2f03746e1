// A pod with a pod certificate beside one with a token: the real programs, the emulated kubelet of Kubernetes 1.37.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "../../emulators/until.ts";
import type { PodCertificateRequest } from "../../src/kubernetes/objects.ts";
import { POD_BUNDLE_NAME } from "../../src/protocol/pod-certificates.ts";
import { arnOf, openShop } from "./shop.ts";

const shop = await openShop({ serverFlags: ["--pod-certificates", "on"] });
after(() => shop.close());
const { kubernetes, server } = shop.cluster;
await shop.namespace("modern");
await shop.namespace("plain");
const modern = kubernetes.store.get("namespaces", undefined, "modern");
const annotations = { ...modern.metadata.annotations, "podrole.io/pod-certificates": "enabled" };
kubernetes.store.replace("namespaces", { ...modern, metadata: { ...modern.metadata, annotations } });

const ROLE = { annotations: { "iam.amazonaws.com/role": "shop-orders" } };
const requests = () => kubernetes.store.list("podcertificaterequests") as unknown as readonly PodCertificateRequest[];
const requestsOf = (pod: string) => requests().filter(({ spec }) => spec.podName === pod);
const certificateLines = (pod: string) =>
  server.lines.filter((line) => line["audit"] === "certificate" && line["pod"] === pod);

const certified = await shop.run("modern", "certified", ROLE);
const proved = await shop.run("plain", "proved", ROLE);
for (const pod of [certified, proved]) assert.equal(await shop.phase(pod, "Running", "Failed"), "Running");

test("the server publishes its trust bundle for pods with certificates", async () => {
  const bundle = () => kubernetes.store.find("clustertrustbundles", undefined, POD_BUNDLE_NAME)?.["spec"];
  await until(() => bundle() !== undefined, "the ClusterTrustBundle");
  const configMap = kubernetes.store.get("configmaps", "podrole", "podrole-trust")["data"] as Record<string, string>;
  assert.deepEqual(bundle(), { signerName: "podrole.io/pod", trustBundle: configMap["bundle.pem"] });
});

test("a pod with a pod certificate gets credentials without a token, beside a pod with a token", async () => {
  for (const pod of [certified, proved]) {
    const { status, body } = await shop.requestCredentials(pod);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body["RoleArn"], arnOf("shop-orders"));
  }
  const volumes = JSON.stringify(certified.pod.spec.volumes);
  assert.match(volumes, /podCertificate/);
  assert.doesNotMatch(volumes, /serviceAccountToken/);
  const [request, ...others] = requestsOf("certified");
  assert.deepEqual([request?.spec.podName, others, requestsOf("proved")], ["certified", [], []]);
  const [line, ...more] = certificateLines("certified");
  assert.deepEqual([line?.["podCertificateRequest"], more], [request?.metadata.name, []]);
  assert.equal(typeof certificateLines("proved")[0]?.["peer"], "string");
});

test("a pod that mounts a certificate of podrole's signer by itself is denied, and gets no credentials", async () => {
  const projected = { sources: [{ podCertificate: { signerName: "podrole.io/pod", credentialBundlePath: "x.pem" } }] };
  const spec = {
    nodeName: "node-1",
    containers: [{ name: "app", image: "story/idle:1" }],
    volumes: [{ name: "own", projected }],
  };
  // In a namespace without the label, so that the webhook does not see it.
  const path = "/api/v1/namespaces/default/pods";
  const { body } = await kubernetes.create(path, { metadata: { name: "impostor" }, spec });
  const { uid = "" } = (body as PodCertificateRequest).metadata;
  const [model] = requestsOf("certified");
  await kubernetes.create(
    "/apis/certificates.k8s.io/v1/namespaces/default/podcertificaterequests",
    { metadata: { name: "forged" }, spec: { ...model?.spec, podName: "impostor", podUID: uid } },
    "system:node:node-1",
  );
  const condition = () => requests().find(({ metadata }) => metadata.name === "forged")?.status?.conditions?.[0];
  await until(() => condition() !== undefined, "an answer");
  assert.deepEqual([condition()?.type, condition()?.reason], ["Denied", "POD_NOT_INJECTED"]);
});
