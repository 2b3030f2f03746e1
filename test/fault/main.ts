// npm run test:fault: faults of everything around podrole, and of podrole itself, while an app uses it (needs libfaketime).
//   --short      at most 5 minutes, for CI
//   --row TEXT   only rows whose ids contain the text
//   --publish    writes results.json
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { missingTools } from "./world.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    row: { type: "string", default: "" },
    publish: { type: "boolean", default: false },
  },
});
const problems = [
  ...missingTools(),
  ...(values.publish && (values.short || values.row !== "") ? ["only a whole long run is published"] : []),
];
if (problems.length > 0) {
  console.error(`Cannot run the faults: ${problems.join("; ")}`);
  process.exit(2);
}
const env = {
  ...process.env,
  PODROLE_FAULT: values.short ? "short" : "long",
  PODROLE_FAULT_ROW: values.row,
  PODROLE_FAULT_PUBLISH: String(values.publish),
};
const args = ["--no-warnings", "--test", "--test-reporter=spec", join(import.meta.dirname, "fault.test.ts")];
const child = spawn(process.execPath, args, { stdio: "inherit", env });
const forward = (signal: NodeJS.Signals) => child.kill(signal);
process.once("SIGINT", forward).once("SIGTERM", forward);
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
