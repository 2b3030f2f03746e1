// Servers with --pod-certificates on an API server of 1.37 on which the API is switched off: what the app sees, and
// what check and explain say. With auto, new pods get a token; with on, the API server removes the certificate from
// them. Starts a control plane of its own for each.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { hasLostSources } from "../../src/injection/pod-certificates.ts";
import { hasFinished, type Pod } from "../../src/kubernetes/objects.ts";
import type { Finding } from "../../src/operations/check/finding.ts";
import type { Explanation } from "../../src/operations/explain/model.ts";
import { ROOT } from "../files.ts";
import { CLUSTER_ACCOUNT, type Installation, installOnCluster } from "./installation.ts";
import { createKubectl, type Kubectl } from "./kubectl.ts";
import { controlPlane } from "./kubernetes/control-plane.ts";
import { injectedNamespace, podManifest } from "./node/pods.ts";

const RESOURCES = ["podcertificaterequests", "clustertrustbundles"].map(
  (name) => `certificates.k8s.io/v1/${name}=false`,
);
/** Without the features the API server itself does not watch the resources, which it would wait for. */
const FEATURES = ["PodCertificateRequest", "ClusterTrustBundle", "ClusterTrustBundleProjection"].map(
  (name) => `${name}=false`,
);
const OFF = [`--runtime-config=${RESOURCES.join(",")}`, `--feature-gates=${FEATURES.join(",")}`];
const SHOP = ["-n", "shop"];
const APP_IMAGE = "app";
/** Each poll starts a process, on a busy machine. */
const SLOWLY = { timeoutMs: 120_000, intervalMs: 500 };
const { AUDIT_LOG, PODROLE_KUBERNETES } = process.env;
const skip =
  (AUDIT_LOG === undefined && "needs a host that can start a control plane") ||
  (PODROLE_KUBERNETES !== undefined && "an older release has no such switch");

for (const setting of ["auto", "on"] as const) {
  suite(`--pod-certificates=${setting} without the API`, { timeout: 300_000, skip }, () => {
    const directory = mkdtempSync(join(tmpdir(), "podrole-without-"));
    let kubeconfig: string;
    let kubectl: Kubectl;
    let podrole: Installation | undefined;

    before(async () => {
      const flags = [process.env["PODROLE_APISERVER_FLAGS"] ?? "", ...OFF].join(" ").trim();
      const environment = controlPlane("up", join(directory, "cluster"), flags);
      kubeconfig = environment["KUBECONFIG"] ?? "";
      kubectl = createKubectl({ binary: environment["KUBECTL"] ?? "", kubeconfig });
      podrole = await installOnCluster(kubectl, {
        kubeconfig,
        host: "127.0.0.1",
        roles: [{ name: "shop-orders", isTrusted: true }],
        images: { [APP_IMAGE]: [process.execPath, join(ROOT, "src/cli/demo/app.ts")] },
        flags: ["--pod-certificates", setting],
      });
      await describeInstallation(kubectl, setting);
      await kubectl.ok(["apply", "-f", "-"], injectedNamespace("shop"));
      const account = [...SHOP, "get", "serviceaccount", "default"];
      await until(async () => (await kubectl.run(account)).code === 0, "the namespace's ServiceAccount", SLOWLY);
    });
    after(async () => {
      await podrole?.uninstall();
      controlPlane("down", join(directory, "cluster"));
      rmSync(directory, { recursive: true, force: true });
    });

    const published = async (): Promise<Readonly<Record<string, string>>> => {
      const { out } = await kubectl.run(["-n", "podrole", "get", "configmap", "podrole-trust", "-o", "json"]);
      return out === "" ? {} : (JSON.parse(out) as { readonly data: Readonly<Record<string, string>> }).data;
    };
    const logged = (text: string) => podrole?.server.lines.some((line) => JSON.stringify(line).includes(text));

    /** Runs one of podrole's commands. */
    function command(...args: readonly string[]): Promise<string> {
      const all = [join(ROOT, "src/cli/main.ts"), ...args, "-o", "json", "--kubeconfig", kubeconfig];
      // A finding is no failure of the command.
      return new Promise((resolve) => execFile(process.execPath, all, (_error, out) => resolve(out)));
    }
    async function finding(): Promise<Finding> {
      const { findings } = JSON.parse(await command("check")) as { readonly findings: readonly Finding[] };
      return findings.find(({ id }) => id === "POD_CERTIFICATES") ?? assert.fail("no finding");
    }
    async function explanation(object: string): Promise<Explanation> {
      const [first] = JSON.parse(await command("explain", object, ...SHOP)) as readonly Explanation[];
      return first ?? assert.fail("no explanation");
    }

    /** A pod that the API server stores or refuses, and no node of the cluster runs. */
    function createOrders() {
      const app = { name: "app", image: APP_IMAGE, env: [{ name: "AWS_ENDPOINT_URL_STS", value: podrole?.sts.url }] };
      const spec = { nodeSelector: { "podrole.io/suite": "none" } };
      const pod = podManifest("orders", { role: "shop-orders", containers: [app], spec });
      return kubectl.run([...SHOP, "create", "-o", "json", "-f", "-"], pod);
    }

    test("the API server serves no PodCertificateRequests", async () => {
      const { code, err } = await kubectl.run(["get", "podcertificaterequests", "--all-namespaces"]);
      assert.notEqual(code, 0);
      assert.match(err, /doesn't have a resource type "podcertificaterequests"/);
    });

    if (setting === "auto") {
      test("the server publishes that new pods get a token, and logs why", async () => {
        await until(async () => (await published())["pod-certificates"] !== undefined, "the server's decision", SLOWLY);
        assert.equal((await published())["pod-certificates"], "off");
        assert.equal(logged("the API server does not serve PodCertificateRequests"), true);
      });

      test("a new pod gets a token, and its app the role", async () => {
        const { out, err } = await createOrders();
        assert.match(out, /serviceAccountToken/, err);
        assert.doesNotMatch(out, /podCertificate/);
        const running = podrole?.node.run(JSON.parse(out) as Pod, { portOffset: 10_000 });
        const ended = await running?.until((status) => hasFinished({ status }), AbortSignal.timeout(60_000));
        const log = running?.logs("app") ?? "";
        assert.equal(ended?.phase, "Succeeded", `${running?.describe()}\n${log}`);
        assert.match(log, new RegExp(`arn:aws:sts::${CLUSTER_ACCOUNT}:assumed-role/shop-orders/shop.orders`));
        await running?.stop(1_000);
      });

      test("check warns that new pods get a token, and explain notes it", async () => {
        const { state, message } = await finding();
        assert.equal(state, "warning", message);
        assert.match(message, /expected an API server that serves podcertificaterequests and clustertrustbundles/);
        assert.match(JSON.stringify(await explanation("pod/orders")), /a new pod gets a token: .* published \\"off\\"/);
      });
    } else {
      test("the server logs what is missing, and publishes its trust bundle", async () => {
        const hasLogged = () => logged("podcertificaterequests") === true;
        await until(hasLogged, "a line about the resource", SLOWLY);
        assert.match((await published())["bundle.pem"] ?? "", /BEGIN CERTIFICATE/);
      });

      test("the API server stores a new pod without its certificate", async () => {
        const { code, out, err } = await createOrders();
        assert.equal(code, 0, err);
        const { volumes = [] } = (JSON.parse(out) as Pod).spec;
        assert.deepEqual(volumes.map(hasLostSources), [true, ...volumes.slice(1).map(() => false)]);
      });

      test("check fails and names what the API server lacks, and explain says why the pod has no proof", async () => {
        const { state, message } = await finding();
        assert.equal(state, "failed", message);
        assert.match(message, /the API server does not serve them; expected podcertificaterequests and/);
        const { cause, remedy, next } = await explanation("pod/orders");
        assert.match(cause ?? "", /the API server has removed the pod certificate and the trust bundle/);
        assert.match(remedy ?? "", /Let the API server serve podcertificaterequests and clustertrustbundles/);
        assert.match(next.join("\n"), /kubectl annotate namespace shop podrole\.io\/pod-certificates=disabled/);
      });
    }
  });
}

/** Creates the objects that check and explain read the settings from. The programs run beside the cluster. */
async function describeInstallation(kubectl: Kubectl, setting: string): Promise<void> {
  const values = [
    `PODROLE_ROLE_BASE_ARN=arn:aws:iam::${CLUSTER_ACCOUNT}:role/`,
    `PODROLE_POD_CERTIFICATES=${setting}`,
  ].map((value) => `--from-literal=${value}`);
  await kubectl.ok(["-n", "podrole", "create", "configmap", "podrole-common", ...values]);
  for (const file of ["priority-class", "server", "webhook"]) {
    await kubectl.ok(["apply", "-f", join(ROOT, `manifests/base/${file}.yaml`)]);
  }
}
