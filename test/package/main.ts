// npm run test:package: the npm package, installed into empty folders and run with several versions of Node.
import { join } from "node:path";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { runSuite } from "../run-suite.ts";

startScript("test:package");
runSuite([join(import.meta.dirname, "*.test.ts")], { timeoutMs: 120_000 });
