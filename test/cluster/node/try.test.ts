// docs/try.md on a real node: its commands, unchanged and in order, from an empty cluster to a refused pod and back,
// first with kustomize, then with Helm. Between them: what `podrole check` says, and that nothing runs beside an
// installation of podrole.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, suite, test } from "node:test";
import { ROOT, readText } from "../../files.ts";
import { blocksOf } from "../../install-page.ts";
import { helmBinary } from "./install/helm.ts";
import { kubectl, Not, objectsNamed, printDiagnosis, untilSuccess } from "./suite.ts";

const { KUBECTL = "kubectl", KUBECONFIG = "", PATH = "" } = process.env;
const ENTRY = join(ROOT, "src/cli/main.ts");
const blocks = blocksOf(readText("docs/try.md"));
const [install, look, remove] = blocks.filter(({ mark }) => mark === "run: try");
const [helmInstall, helmUninstall] = blocks.filter(({ mark }) => mark === "run: try with helm");
const OBJECTS = /podrole|\/(permitted|refused)\b/;

/** Registers no webhook for any pod: the name alone marks an installation of podrole. */
const REAL = JSON.stringify({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name: "podrole" },
  webhooks: [
    {
      name: "pods.podrole.io",
      admissionReviewVersions: ["v1"],
      clientConfig: { service: { name: "podrole-webhook", namespace: "podrole" } },
      namespaceSelector: { matchLabels: { "podrole.io/suite": "none" } },
      sideEffects: "None",
    },
  ],
});

suite("docs/try.md", { timeout: 600_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "podrole-try-"));
  // The page has tools of these names in PATH.
  if (KUBECTL.includes("/")) symlinkSync(KUBECTL, join(directory, "kubectl"));
  symlinkSync(helmBinary(process.env), join(directory, "helm"));
  after(async () => {
    await kubectl.run(["delete", "mutatingwebhookconfiguration", "podrole", "--ignore-not-found"]);
    rmSync(directory, { recursive: true });
  });
  afterEach((context) => printDiagnosis(context, "podrole-try-app", "podrole-try"));
  const before = objectsNamed(OBJECTS);

  function runShell(script = "exit 1") {
    const env = { ...process.env, PATH: `${directory}:${PATH}` };
    return spawnSync("bash", ["-e", "-c", script], { cwd: ROOT, env, encoding: "utf8" });
  }

  function shell(script: string | undefined): string {
    const { status, stdout, stderr } = runShell(script);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  /** Runs the commands that look at the apps, until both show what the page says. */
  async function seeBothApps(): Promise<string> {
    const shown = await untilSuccess("the refusal of the pod whose role is not permitted", async () => {
      const output = shell(look?.commands);
      return output.includes("ROLE_FORBIDDEN") ? output : new Not(output);
    });
    assert.match(shown, /this pod is arn:aws:sts::000000000000:assumed-role\/try-orders\/podrole-try-app\.permitted-/);
    assert.match(shown, /webhook "pods\.try\.podrole\.io" denied the request: ROLE_FORBIDDEN: .*role\/try-payroll/);
    const pods = await kubectl.ok(["-n", "podrole-try-app", "get", "pods", "-o", "name"]);
    assert.match(pods, /^pod\/permitted-\S+\n$/);
    return shown;
  }

  /** Resolves when no object is left except `kept`. */
  async function nothingLeft(...kept: readonly string[]): Promise<void> {
    const left = await untilSuccess("the deletion of every object", async () => {
      const objects = (await objectsNamed(OBJECTS)).filter((name) => !kept.includes(name));
      return objects.length === 0 ? objects : new Not(objects.join(" "));
    });
    assert.deepEqual(left, []);
  }

  test("two commands show a pod with its role, and why another is refused", async (context) => {
    const began = performance.now();
    const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
    assert.deepEqual(await before, []);
    shell(install?.commands);
    context.diagnostic(`applied after ${seconds()}`);
    const shown = await seeBothApps();
    context.diagnostic(`refused after ${seconds()}`);
    context.diagnostic(shown);
  });

  test("the emulated STS logs that its credentials work nowhere, and each call", async () => {
    const log = await kubectl.ok(["-n", "podrole-try", "logs", "deployment/podrole-try-sts"]);
    assert.match(log, /emulated STS of podrole-try is up: its credentials work nowhere in AWS/);
    assert.match(log, /"AssumeRole","outcome":"ok","roleArn":"arn:aws:iam::000000000000:role\/try-orders"/);
    assert.doesNotMatch(log, /try-payroll"\S*"emulated STS answered/);
  });

  test("podrole check fails for the refused pod alone, and warns that STS is emulated", () => {
    const args = [ENTRY, "check", "-o", "json", "--podrole-namespace", "podrole-try", "--kubeconfig", KUBECONFIG];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 1, stdout + stderr);
    const { findings } = JSON.parse(stdout) as { findings: readonly { id: string; state: string; message: string }[] };
    const failed = findings.filter(({ state }) => state === "failed").map(({ id }) => id);
    assert.deepEqual(failed, ["PODS_CREATED"], stdout);
    const warned = findings.find(({ id }) => id === "STS_ENDPOINT");
    assert.equal(warned?.state, "warning", stdout);
    assert.match(warned?.message ?? "", /emulated/);
  });

  test("the emulated STS ends when podrole is installed, and a server that starts then is not ready", async (context) => {
    await kubectl.ok(["apply", "-f", "-"], REAL);
    const pods = (program: string) => ["-n", "podrole-try", "get", "pods", "-l", `app.kubernetes.io/name=${program}`];
    const ended = "jsonpath={.items[*].status.containerStatuses[*]['state','lastState'].terminated.message}";
    const message = await untilSuccess("the end of the emulated STS", async () => {
      const text = await kubectl.ok([...pods("podrole-try-sts"), "-o", ended]);
      return text.includes("Cannot run the emulated STS") ? text : new Not(text);
    });
    context.diagnostic(message);
    assert.match(message, /podrole is installed in this cluster .*expected a cluster without podrole/);
    await kubectl.ok(["-n", "podrole-try", "delete", "pods", "-l", "app.kubernetes.io/name=podrole-server"]);
    await untilSuccess("a server that waits for STS", async () => {
      const { out, err } = await kubectl.run(["-n", "podrole-try", "logs", "deployment/podrole-server"]);
      return out.includes("cannot find the base ARN yet") ? out : new Not(out + err);
    });
    const ready = "jsonpath={.items[*].status.containerStatuses[*].ready}";
    assert.equal(await kubectl.ok([...pods("podrole-server"), "-o", ready]), "false");
    const { status, stderr } = runShell(helmInstall?.commands);
    assert.equal(status, 1);
    assert.match(stderr, /podrole is installed in this cluster \(MutatingWebhookConfiguration "podrole"\)/);
    await kubectl.ok(["delete", "mutatingwebhookconfiguration", "podrole"]);
  });

  test("one command removes everything", async (context) => {
    const began = performance.now();
    shell(remove?.commands);
    await nothingLeft();
    context.diagnostic(`removed after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  });

  test("helm install shows the same, and helm uninstall leaves nothing but the namespace", async () => {
    shell(helmInstall?.commands);
    await seeBothApps();
    shell(helmUninstall?.commands);
    await nothingLeft("namespace/podrole-try");
    await kubectl.ok(["delete", "namespace", "podrole-try"]);
  });
});
