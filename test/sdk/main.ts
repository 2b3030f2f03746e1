// npm run test:sdk: real AWS SDKs against podrole. `--update` writes what came out to results.json, from which
// `npm run generate` makes docs/sdk-conformance.md. What is missing is installed first, with progress on stderr.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { prepareSdks } from "./sdks.ts";

const [, , ...words] = process.argv;
if (words.some((word) => word !== "--update")) {
  console.error(`npm run test:sdk takes --update, not ${words.join(" ")}`);
  process.exit(2);
}
try {
  prepareSdks(process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
const suite = fileURLToPath(new URL("conformance.test.ts", import.meta.url));
const env = { ...process.env, PODROLE_SDK_UPDATE: String(words.includes("--update")) };
const child = spawn(process.execPath, ["--test", "--test-reporter=spec", suite], { stdio: "inherit", env });
const pass = (signal: NodeJS.Signals) => child.kill(signal);
process.once("SIGINT", pass).once("SIGTERM", pass);
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
