// npm run test:attack: attacks on the real programs, in cgroups with the memory limits of the manifests (root, taskset).
//   --short      at most 4 minutes, for CI
//   --row TEXT   only rows whose ids contain the text
//   --publish    writes results.json
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    row: { type: "string", default: "" },
    publish: { type: "boolean", default: false },
  },
});
const problems = [
  ...(process.getuid?.() === 0 ? [] : ["this user is not root, who alone may create cgroups"]),
  ...(spawnSync("taskset", ["--version"]).status === 0 ? [] : ["there is no taskset (Debian: util-linux)"]),
  ...(values.publish && (values.short || values.row !== "") ? ["only a whole long run is published"] : []),
];
if (problems.length > 0) {
  console.error(`Cannot run the attacks: ${problems.join("; ")}`);
  process.exit(2);
}
const env = {
  ...process.env,
  PODROLE_ATTACK: values.short ? "short" : "long",
  PODROLE_ATTACK_ROW: values.row,
  PODROLE_ATTACK_PUBLISH: String(values.publish),
};
const args = ["--no-warnings", "--test", "--test-reporter=spec", join(import.meta.dirname, "attack.test.ts")];
const child = spawn(process.execPath, args, { stdio: "inherit", env });
const forward = (signal: NodeJS.Signals) => child.kill(signal);
process.once("SIGINT", forward).once("SIGTERM", forward);
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
