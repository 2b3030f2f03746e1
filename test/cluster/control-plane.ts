// node test/cluster/control-plane.ts: tests podrole's programs as processes on this host against a real API server.
// With KUBECONFIG set, they use that cluster, which must reach this host at PODROLE_TEST_HOST; otherwise this starts a
// control plane (its first build on a machine takes about 9 minutes) and stops it afterwards.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { clientOf, newCa } from "../webhook/client-certificates.ts";
import { controlPlane } from "./kubernetes/control-plane.ts";

const { pods, publish } = startScript("test/cluster/control-plane.ts").values;
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * Writes the configuration by which an API server shows webhooks a client certificate (docs/api-server.md). The user is
 * "*", because these suites register the webhook by a URL whose port is not known yet.
 */
function webhookClient(directory: string): { readonly flag: string; readonly caFile: string } {
  mkdirSync(directory);
  const ca = newCa("podrole API server CA");
  const { cert, key } = clientOf(ca, "kube-apiserver");
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
    return join(directory, name);
  };
  const kubeconfig = `apiVersion: v1
kind: Config
users:
  - name: "*"
    user: { client-certificate: ${file("client.crt", cert)}, client-key: ${file("client.key", key)} }
`;
  const admission = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: MutatingAdmissionWebhook
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: WebhookAdmissionConfiguration
      kubeConfigFile: ${file("webhooks.kubeconfig", kubeconfig)}
`;
  const flag = `--admission-control-config-file=${file("admission.yaml", admission)}`;
  return { flag, caFile: file("ca.crt", ca.pem) };
}

function runSuites(env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const options = ["--test", "--test-reporter=spec", "--test-timeout=600000", "--test-concurrency=1"];
  // Sequentially: each installs podrole.
  const names =
    pods === undefined
      ? ["control-plane", "operator", "pod-status", "pod-certificates-off", "manifests"]
      : ["public-pods"];
  const suites = names.map((name) => here(`${name}.test.ts`));
  const args = [...options, ...suites];
  const collection = pods !== undefined && { PODROLE_TEST_PODS: pods, PODROLE_TEST_PUBLISH: String(publish) };
  const child = spawn(process.execPath, args, { stdio: "inherit", env: { ...env, ...collection } });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", forward).on("SIGTERM", forward);
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

if (process.env["KUBECONFIG"]) {
  process.exitCode = await runSuites(process.env);
} else {
  const root = mkdtempSync(join(tmpdir(), "podrole-control-plane-"));
  const directory = join(root, "cluster");
  try {
    const { flag, caFile } = webhookClient(join(root, "webhooks"));
    const flags = [process.env["PODROLE_APISERVER_FLAGS"] ?? "", flag].join(" ").trim();
    const environment = controlPlane("up", directory, flags);
    process.exitCode = await runSuites({ ...process.env, ...environment, PODROLE_TEST_API_SERVER_CA: caFile });
  } finally {
    controlPlane("down", directory);
    rmSync(root, { recursive: true, force: true });
  }
}
