// npm run test:sdk: runs real AWS SDKs against podrole. Installs missing SDKs first, with progress on stderr.
import { fileURLToPath } from "node:url";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { runSuite } from "../run-suite.ts";
import { prepareSdks } from "./sdks.ts";

const { update } = startScript("test:sdk").values;
prepareSdks(process.env);
const suite = fileURLToPath(new URL("conformance.test.ts", import.meta.url));
runSuite([suite], { env: { PODROLE_SDK_UPDATE: String(update) } });
