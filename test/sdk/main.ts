// npm run test:sdk: runs the most used AWS SDKs against podrole, with `--all` also the further ones, with `--only`
// single ones. Installs missing SDKs first, with progress on stderr.
import { fileURLToPath } from "node:url";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { runSuite } from "../run-suite.ts";
import { prepareSdks } from "./sdks.ts";

const { all, only, update } = startScript("test:sdk").values;
const selection = { PODROLE_SDK_ALL: String(all), PODROLE_SDK_ONLY: only?.join() ?? "" };
prepareSdks({ ...process.env, ...selection });
const suite = fileURLToPath(new URL("conformance.test.ts", import.meta.url));
runSuite([suite], { env: { ...selection, PODROLE_SDK_UPDATE: String(update) } });
