// node test/cluster/chart/main.ts: the chart and the kustomize manifests with real tools, Helm and kubectl, against a real
// API server. With KUBECONFIG in the environment they use that cluster, which must have no podrole; otherwise a control
// plane is brought up here and taken down. About 2 minutes alone; the first time on a machine Helm is built, 2 more.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";

const BESIDE = join(import.meta.dirname, "..");

function script(name: string, words: readonly string[] = []): string {
  const { status, stdout } = spawnSync(join(BESIDE, name), words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new RangeError(`${name} ${words.join(" ")} ended with ${status}`);
  return stdout;
}

function suites(env: NodeJS.ProcessEnv): Promise<number> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".test.ts"));
  // One after the other: they install podrole in the same cluster.
  const flags = ["--test", "--test-reporter=spec", "--test-timeout=300000", "--test-concurrency=1"];
  const words = [...flags, ...files.map((file) => join(import.meta.dirname, file))];
  const child = spawn(process.execPath, words, { stdio: "inherit", env });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", pass).on("SIGTERM", pass);
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

const helm = join(script("helm/build.sh").trim(), "helm");
if (process.env["KUBECONFIG"]) {
  process.exitCode = await suites({ KUBECTL: "kubectl", HELM: helm, ...process.env });
} else {
  const directory = mkdtempSync(join(tmpdir(), "podrole-chart-"));
  try {
    const environment = parseEnv(script("kubernetes/control-plane.sh", ["up", directory]));
    process.exitCode = await suites({ ...process.env, ...environment, HELM: helm });
  } finally {
    script("kubernetes/control-plane.sh", ["down", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}
