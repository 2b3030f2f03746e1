// node test/cluster/control-plane.ts: tests podrole's programs as processes on this host against a real API server. With
// KUBECONFIG set, they use that cluster, which must reach this host at PODROLE_TEST_HOST; otherwise this starts a control
// plane (its first build on a machine takes about 9 minutes) and stops it afterwards.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

function controlPlane(verb: "up" | "down", directory: string): Record<string, string> {
  const { status, stdout } = spawnSync(here("kubernetes/control-plane.sh"), [verb, directory], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new RangeError(`control-plane.sh ${verb} exited with ${status}`);
  return Object.fromEntries(
    stdout.split("\n").flatMap((line) => (/^\w+=/.test(line) ? [line.split(/=(.*)/s).slice(0, 2)] : [])) as [
      string,
      string,
    ][],
  );
}

function runSuites(env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const options = ["--test", "--test-reporter=spec", "--test-timeout=600000", "--test-concurrency=1"];
  // Sequentially: each installs podrole.
  const args = [...options, here("control-plane.test.ts"), here("operator.test.ts")];
  const child = spawn(process.execPath, args, { stdio: "inherit", env });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", forward).on("SIGTERM", forward);
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

if (process.env["KUBECONFIG"]) {
  process.exitCode = await runSuites(process.env);
} else {
  const directory = mkdtempSync(join(tmpdir(), "podrole-control-plane-"));
  try {
    const environment = controlPlane("up", directory);
    process.exitCode = await runSuites({ ...process.env, ...environment });
  } finally {
    controlPlane("down", directory);
    rmSync(directory, { recursive: true, force: true });
  }
}
