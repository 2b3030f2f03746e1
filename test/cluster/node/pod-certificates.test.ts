// Pod certificates on a real API server and kubelet of Kubernetes 1.37: pods with one beside pods with a token,
// requests that the API server refuses, and the cases of docs/pod-certificates.md that a real kubelet can bring about.
// An older cluster is tested by pod-certificates-absent.test.ts.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { EXPLAINED_CASES } from "../../server/signer/explained-cases.ts";
import {
  answerOf,
  CERTIFIED,
  certificateMount,
  certificateVolume,
  requestsOf,
  skipsPodCertificates as skip,
  useSigner,
} from "./pod-certificates.ts";
import { appContainer, deploymentManifest, podManifest } from "./pods.ts";
import { runPodrole } from "./run-podrole.ts";
import {
  assumedRolePattern,
  kubectl,
  Not,
  printDiagnosis,
  rolledOut,
  scaleDeployment,
  untilSuccess,
  useNamespace,
} from "./suite.ts";

suite("pod certificates", { timeout: 900_000, skip }, () => {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  const modern = useNamespace("modern", { ...CERTIFIED, labels });
  const plain = useNamespace("plain");
  useSigner();
  afterEach((context) => printDiagnosis(context, modern.name));

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
    assert.deepEqual([...new Set(requests.map(answerOf))], ["Issued"]);
  });

  test("the ClusterTrustBundle has the certificates of ConfigMap podrole-trust", async () => {
    const path = "jsonpath={.spec.trustBundle}";
    const bundle = await kubectl.ok(["get", "clustertrustbundle", "podrole.io:pod:trust", "-o", path]);
    const map = ["-n", "podrole", "get", "configmap", "podrole-trust", "-o", String.raw`jsonpath={.data.bundle\.pem}`];
    assert.equal(bundle.trim(), (await kubectl.ok(map)).trim());
  });

  const asNode = (name: string) => ["--as", `system:node:${name}`, "--as-group", "system:nodes"];
  for (const [who, as, change, refusal] of [
    ["a cluster administrator", [], {}, /only the kubelet of the pod's node may request a certificate of signer/],
    ["another node", asNode("node-2"), {}, /which is not the requesting node "node-2"/],
    [
      "the pod's node for another pod uid",
      asNode("node"),
      { podUID: "00000000-0000-4000-8000-000000000000" },
      /contains pod UID .* which differs from running pod/,
    ],
    [
      "the pod's node for another ServiceAccount",
      asNode("node"),
      { serviceAccountName: "payroll" },
      /contains serviceAccountName \("payroll"\) that differs from running pod/,
    ],
    ["the pod's node", asNode("node"), {}, undefined],
  ] as const) {
    test(`a request for podrole's signer by ${who} is ${refusal ? "refused" : "accepted"} by the API server`, async () => {
      const [model] = await requestsOf(modern);
      const request = {
        ...{ apiVersion: "certificates.k8s.io/v1", kind: "PodCertificateRequest" },
        metadata: { generateName: "forged-" },
        spec: { ...model?.spec, ...change },
      };
      const { code, err } = await modern.run([...as, "create", "-f", "-"], JSON.stringify(request));
      assert.equal(code === 0, refusal === undefined, err);
      assert.match(err, refusal ?? /^$/);
    });
  }

  /** What the page says that explain says, of a pod and its request. */
  async function explainedOnPage(what: string, pod: string): Promise<string> {
    const own = (await requestsOf(modern)).filter(({ spec }) => spec.podName === pod);
    const request = own.find((each) => answerOf(each) !== "Issued");
    return (EXPLAINED_CASES.get(what) ?? "")
      .replace("NAME", request?.metadata.name ?? "")
      .replace("TIME", request?.metadata.creationTimestamp ?? "")
      .replace(/"team\/\w+"/, `"${modern.name}/${pod}"`);
  }

  async function causeOf(pod: string): Promise<string | undefined> {
    const { out, err } = await runPodrole(["explain", `pod/${pod}`, "-n", modern.name, "-o", "json"]);
    assert.notEqual(out, "", err);
    return (JSON.parse(out) as readonly { readonly cause?: string }[])[0]?.cause;
  }

  const phaseOf = (pod: string) => modern.ok(["get", "pod", pod, "-o", "jsonpath={.status.phase}"]);

  /** A pod with a further certificate, which podrole injects unless it has no role. */
  function podWith(name: string, certificate: Readonly<Record<string, unknown>>, role?: string): string {
    const containers = [appContainer("app", role ? "once" : "start", { volumeMounts: [certificateMount("own")] })];
    const spec = { volumes: [certificateVolume("own", certificate)] };
    return podManifest(name, { ...(role !== undefined && { role }), containers, spec });
  }

  for (const [what, name, certificate, role, reason] of [
    ["the pod lacks podrole's parts", "bare", {}, undefined, /POD_NOT_INJECTED/],
    ["the key is Ed25519", "ed25519", { keyType: "ED25519" }, "shop-orders", /UnsupportedKeyType/],
    [
      "the volume has `userAnnotations`",
      "annotated",
      { userAnnotations: { "example.com/team": "x" } },
      "shop-orders",
      /REQUEST_INVALID/,
    ],
  ] as const) {
    test(`where ${what}, the pod is denied for ever: its Events say why, and explain what the page says`, async () => {
      await modern.apply(podWith(name, certificate, role));
      const events = await untilSuccess("an Event of the denial", async () => {
        const text = await modern.events(name);
        return reason.test(text) ? text : new Not(text);
      });
      assert.match(events, /denied/);
      assert.equal(await phaseOf(name), "Pending");
      assert.equal(await causeOf(name), await explainedOnPage(what, name));
    });
  }

  for (const [what, name, certificate] of [
    ["the key is RSA", "rsa", { keyType: "RSA3072" }],
    ["the volume limits the lifetime to an hour", "short", { maxExpirationSeconds: 3_600 }],
  ] as const) {
    test(`where ${what}, the pod starts`, async () => {
      await modern.apply(podWith(name, certificate, "shop-orders"));
      await modern.logs(name, assumedRolePattern("shop-orders", modern.name));
      const own = (await requestsOf(modern)).filter(({ spec }) => spec.podName === name);
      assert.deepEqual(own.map(answerOf), ["Issued", "Issued"]);
    });
  }

  test("where the server is away, the pod waits, explain says what the page says, and the pod starts then", async () => {
    await scaleDeployment("podrole-server", 0);
    try {
      const containers = [appContainer("app", "once")];
      await modern.apply(podManifest("early", { role: "shop-orders", containers }));
      await untilSuccess("a request of the pod", async () => {
        const own = (await requestsOf(modern)).filter(({ spec }) => spec.podName === "early");
        return own.length > 0 ? own : new Not("none");
      });
      assert.equal(await phaseOf("early"), "Pending");
      assert.equal(await causeOf("early"), await explainedOnPage("the server is away", "early"));
    } finally {
      await scaleDeployment("podrole-server", 2);
    }
    await modern.logs("early", assumedRolePattern("shop-orders", modern.name));
  });
});
