// npm run test:sdk: runs real AWS SDKs against podrole. `--update` writes the outcomes to results.json, from which
// `npm run generate` generates docs/sdk-conformance.md. Installs missing SDKs first, with progress on stderr.
import { fileURLToPath } from "node:url";
import { runSuite } from "../run-suite.ts";
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
runSuite(suite, { PODROLE_SDK_UPDATE: String(args.includes("--update")) });
