// npm run test:sdk: runs real AWS SDKs against podrole. `--update` writes the outcomes to results.json, from which
// `npm run generate` generates docs/sdk-conformance.md. Installs missing SDKs first, with progress on stderr.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { prepareSdks } from "./sdks.ts";

const [, , ...args] = process.argv;
if (args.some((arg) => arg !== "--update")) {
  console.error(`Cannot run the SDK tests: the arguments are ${args.join(" ")}; expected --update or none`);
  process.exit(2);
}
try {
  prepareSdks(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
const suite = fileURLToPath(new URL("conformance.test.ts", import.meta.url));
const env = { ...process.env, PODROLE_SDK_UPDATE: String(args.includes("--update")) };
const child = spawn(process.execPath, ["--test", "--test-reporter=spec", suite], { stdio: "inherit", env });
const forward = (signal: NodeJS.Signals) => child.kill(signal);
process.once("SIGINT", forward).once("SIGTERM", forward);
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
