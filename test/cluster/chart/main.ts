// node test/cluster/chart/main.ts: tests the chart and the kustomize manifests with Helm and kubectl against a real API
// server. With KUBECONFIG set, they use that cluster, in which podrole must not be installed; otherwise this starts a
// control plane and stops it afterwards. Takes about 2 minutes, and 2 more for the first build of Helm on a machine.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { SetupError } from "../../../scripts/command-line/setup-error.ts";
import { startScript } from "../../../scripts/command-line/start-script.ts";

const CLUSTER = join(import.meta.dirname, "..");

function script(name: string, args: readonly string[] = []): string {
  const { status, stdout } = spawnSync(join(CLUSTER, name), args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new SetupError(`${name} ${args.join(" ")} exited with ${status}`);
  return stdout;
}

function runSuites(env: NodeJS.ProcessEnv): Promise<number> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".test.ts"));
  // Sequentially: they install podrole in the same cluster.
  const flags = ["--test", "--test-reporter=spec", "--test-timeout=300000", "--test-concurrency=1"];
  const args = [...flags, ...files.map((file) => join(import.meta.dirname, file))];
  const child = spawn(process.execPath, args, { stdio: "inherit", env });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", forward).on("SIGTERM", forward);
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

startScript("test/cluster/chart/main.ts");
const helm = join(script("helm/build.sh").trim(), "helm");
if (process.env["KUBECONFIG"]) {
  process.exitCode = await runSuites({ KUBECTL: "kubectl", HELM: helm, ...process.env });
} else {
  const directory = mkdtempSync(join(tmpdir(), "podrole-chart-"));
  try {
    const environment = parseEnv(script("kubernetes/control-plane.sh", ["up", directory]));
    process.exitCode = await runSuites({ ...process.env, ...environment, HELM: helm });
  } finally {
    script("kubernetes/control-plane.sh", ["down", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}
