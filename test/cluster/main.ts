// npm run test:cluster: every suite that needs a real Kubernetes, the quick ones first. Each part starts what it needs
// and stops it afterwards; with KUBECONFIG set, all use that cluster. If a part fails, the next one still runs.
// README.md lists the options.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { SetupError } from "../../scripts/command-line/setup-error.ts";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { measuredNow } from "../published-results.ts";
import { counted, releaseOf, releaseRuns, withRun } from "./release-runs.ts";

const PARTS = {
  "control-plane": "control-plane.ts",
  chart: "chart/main.ts",
  node: "node/main.ts",
} as const;
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as readonly Part[];

const { only, kubernetes, publish } = startScript("test:cluster").values;
if (publish && (kubernetes === undefined || process.env["KUBECONFIG"])) {
  throw new SetupError("--publish is set; expected --kubernetes beside it, and no KUBECONFIG");
}
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

/** Resolves with the part's exit code, and what it printed, which passes through if it is to be counted. */
async function run(part: Part): Promise<{ readonly code: number; readonly output: string }> {
  const stdio = ["inherit", publish ? "pipe" : "inherit", "inherit"] as const;
  const child = spawn(process.execPath, [join(import.meta.dirname, PARTS[part])], { stdio: [...stdio], env });
  running = child;
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code: code ?? 1, output };
}

function record(part: Part, seconds: number, output: string): void {
  if (kubernetes === undefined) return;
  const counts = { passed: counted("pass", output), skipped: counted("skipped", output), seconds };
  const run = { kubernetes: releaseOf(kubernetes), part, ...counts, ...measuredNow() };
  releaseRuns.write(withRun(releaseRuns.find() ?? [], run));
}

const report: string[] = [];
for (const part of NAMES.filter((name) => only?.includes(name) ?? true)) {
  if (stopping.signal.aborted) break;
  const began = performance.now();
  const { code, output } = await run(part);
  const seconds = Math.round((performance.now() - began) / 1000);
  if (code !== 0) process.exitCode = 1;
  else if (publish) record(part, seconds, output);
  report.push(`${part} ${code === 0 ? "passed" : "FAILED"} in ${seconds} s`);
}
if (stopping.signal.aborted) process.exitCode = 1;
const release = kubernetes === undefined ? "" : ` with Kubernetes ${kubernetes}`;
process.stdout.write(`\ntest:cluster${release}: ${report.join(", ")}\n`);
