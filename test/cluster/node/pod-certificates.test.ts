// Pod certificates on a real API server and kubelet of Kubernetes 1.37: pods with one beside pods with a token,
// requests that the API server refuses, and the cases of docs/pod-certificates.md that a real kubelet can bring about.
// An older cluster is tested by pod-certificates-absent.test.ts.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { CASES_ON_NODE } from "../../server/signer/explained-cases.ts";
import { caseFigures, reportFigures } from "./figures.ts";
import { withServersAhead } from "./install/clock.ts";
import { withoutPolicy, withoutRightToSign } from "./install/signer.ts";
import {
  answerOf,
  CERTIFIED,
  causeOf,
  certificateMount,
  certificateVolume,
  explainedOnPage,
  requestsOf,
  skipsPodCertificates as skip,
  untilRequested,
  untilTried,
  useSigner,
} from "./pod-certificates.ts";
import { appContainer, deploymentManifest, podManifest } from "./pods.ts";
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
  /** The cases of the page that have been seen. */
  const seen = new Set<string>();
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

  test("where two replicas answer the same request, it is answered and recorded once", async () => {
    const servers = ["-n", "podrole", "-l", "app.kubernetes.io/name=podrole-server"];
    assert.equal((await kubectl.ok(["get", "pods", ...servers, "-o", "name"])).trim().split("\n").length, 2);
    const log = await kubectl.ok(["logs", ...servers, "--tail=-1"]);
    const requests = await requestsOf(modern);
    for (const { metadata } of requests) {
      const lines = log.split("\n").filter((line) => line.includes(`"podCertificateRequest":"${metadata.name}"`));
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", /"audit":"certificate","decision":"issued"/);
    }
    seen.add("two replicas answer the same request");
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
      const { code, err } = await modern.run([...as, "create", "-f", "-"], requestLike(model, change));
      assert.equal(code === 0, refusal === undefined, err);
      assert.match(err, refusal ?? /^$/);
    });
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
      assert.equal(await causeOf(modern, name), await explainedOnPage(what, modern, name));
      seen.add(what);
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
      seen.add(what);
    });
  }

  test("where the volume limits the lifetime to less than an hour, the API server refuses the pod", async () => {
    const pod = podWith("hasty", { maxExpirationSeconds: 3_599 }, "shop-orders");
    const { code, err } = await modern.run(["create", "-f", "-"], pod);
    assert.notEqual(code, 0);
    assert.match(err, /maxExpirationSeconds: Invalid value: 3599/);
  });

  /** A request is made for which no pod waits, and denied as the page says. */
  async function deniedAsOnPage(what: string, pod: string, created: string): Promise<void> {
    const condition = await untilSuccess("an answer", async () => {
      const text = await modern.ok(["get", created.trim(), "-o", "json"]);
      return (JSON.parse(text) as PodCertificateRequest).status?.conditions?.[0] ?? new Not(text);
    });
    const denial = `nothing; the request is ${condition.type.toLowerCase()}: ${condition.reason}: ${condition.message}`;
    assert.equal(denial, await explainedOnPage(what, modern, pod));
    assert.equal(await causeOf(modern, pod), undefined);
    seen.add(what);
  }

  test("where the pod has finished, a request of its node is denied as the page says", async () => {
    await modern.ok(["wait", "pod/rsa", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"]);
    const model = (await requestsOf(modern)).find(({ spec }) => spec.podName === "rsa");
    const created = await modern.ok([...asNode("node"), "create", "-o", "name", "-f", "-"], requestLike(model));
    await deniedAsOnPage("the pod has finished", "rsa", created);
  });

  for (const [what, change] of [
    ["the request has another pod's uid", { podUID: "00000000-0000-4000-8000-000000000000" }],
    ["the request names another node", { nodeName: "node-2" }],
  ] as const) {
    test(`where ${what}, and podrole's policy is missing, the server denies it as the page says`, async () => {
      const pod = (await modern.ok(["get", "pods", "-l", "app=orders", "-o", "name"])).split(/[/\n]/)[1] ?? "";
      const model = (await requestsOf(modern)).find((own) => own.spec.podName === pod && answerOf(own) === "Issued");
      const created = await withoutPolicy(kubectl, () =>
        untilSuccess("a request that a cluster administrator made", async () => {
          const { code, out, err } = await modern.run(["create", "-o", "name", "-f", "-"], requestLike(model, change));
          return code === 0 ? out : new Not(err);
        }),
      );
      await deniedAsOnPage(what, pod, created);
    });
  }

  /** A pod that starts while something is missing waits for it, and explain says what the page says. */
  async function waitsAsOnPage(what: string, pod: string, reason?: RegExp): Promise<void> {
    await modern.apply(podManifest(pod, { role: "shop-orders", containers: [appContainer("app", "once")] }));
    await untilRequested(modern, pod);
    if (reason !== undefined) await untilTried(modern, pod, reason);
    assert.equal(await phaseOf(pod), "Pending");
    assert.equal(await causeOf(modern, pod), await explainedOnPage(what, modern, pod));
  }

  test("where the server lacks a right, the pod waits, explain says what the page says, and the pod starts then", async () => {
    const what = "the server lacks a right";
    await withoutRightToSign(kubectl, () => waitsAsOnPage(what, "unsigned", /is not permitted to .+sign/));
    await modern.logs("unsigned", assumedRolePattern("shop-orders", modern.name));
    seen.add(what);
  });

  for (const [what, pod, minutes, reason] of [
    [
      "the API server's clock is 5 minutes ahead of the server's",
      "behind",
      -5,
      /the API server's clock is \d+ s ahead/,
    ],
    ["the server's clock is 8 minutes ahead of the API server's", "ahead", 8, /"code":"KUBERNETES_UNAVAILABLE".*422/],
  ] as const) {
    test(`where ${what}, the pod waits, explain says what the page says, and the pod starts then`, async () => {
      await withServersAhead(kubectl, minutes, () => waitsAsOnPage(what, pod, reason));
      await modern.logs(pod, assumedRolePattern("shop-orders", modern.name));
      seen.add(what);
    });
  }

  test("where the server is away, the pod waits, explain says what the page says, and the pod starts then", async () => {
    await scaleDeployment("podrole-server", 0);
    try {
      await waitsAsOnPage("the server is away", "early");
    } finally {
      await scaleDeployment("podrole-server", 2);
    }
    await modern.logs("early", assumedRolePattern("shop-orders", modern.name));
    seen.add("the server is away");
  });

  test("these are the cases that the page says were tried on a node", async (context) => {
    assert.deepEqual([...seen].toSorted(), CASES_ON_NODE.toSorted());
    const { serverVersion } = JSON.parse(await kubectl.ok(["version", "-o", "json"])) as KubernetesVersion;
    reportFigures(context, caseFigures, { kubernetes: serverVersion.gitVersion, cases: seen.size });
  });
});

interface KubernetesVersion {
  readonly serverVersion: { readonly gitVersion: string };
}

/** A new request with the fields of another one. */
function requestLike(model: PodCertificateRequest | undefined, change: object = {}): string {
  const kind = { apiVersion: "certificates.k8s.io/v1", kind: "PodCertificateRequest" };
  return JSON.stringify({ ...kind, metadata: { generateName: "forged-" }, spec: { ...model?.spec, ...change } });
}
