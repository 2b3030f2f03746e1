// npm run test:cluster: every suite that needs a real Kubernetes, the quick ones first. Each part starts what it needs
// and stops it afterwards; with KUBECONFIG set, all use that cluster. If a part fails, the next one still runs.
// README.md lists the options.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { startScript } from "../../scripts/command-line/start-script.ts";

const PARTS = {
  "control-plane": "control-plane.ts",
  chart: "chart/main.ts",
  node: "node/main.ts",
} as const;
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as readonly Part[];

const { only, kubernetes } = startScript("test:cluster").values;
/** Of the parts: PODROLE_KUBERNETES is read by kubernetes/build.sh. */
const env = { ...process.env, ...(kubernetes !== undefined && { PODROLE_KUBERNETES: kubernetes }) };
const stopping = new AbortController();
let running: ReturnType<typeof spawn> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    stopping.abort();
    // The part removes its cluster before it exits, so this process waits for it.
    running?.kill(signal);
  });
}

function run(part: Part): Promise<number> {
  running = spawn(process.execPath, [join(import.meta.dirname, PARTS[part])], { stdio: "inherit", env });
  return new Promise((resolve) => running?.once("close", (code) => resolve(code ?? 1)));
}

const report: string[] = [];
for (const part of NAMES.filter((name) => only?.includes(name) ?? true)) {
  if (stopping.signal.aborted) break;
  const began = performance.now();
  const code = await run(part);
  if (code !== 0) process.exitCode = 1;
  report.push(`${part} ${code === 0 ? "passed" : "FAILED"} in ${((performance.now() - began) / 1000).toFixed(0)} s`);
}
if (stopping.signal.aborted) process.exitCode = 1;
const release = kubernetes === undefined ? "" : ` with Kubernetes ${kubernetes}`;
process.stdout.write(`\ntest:cluster${release}: ${report.join(", ")}\n`);
