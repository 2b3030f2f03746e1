// npm run test:browser: the site and the page of podrole ui in headless Chromium.
import { join } from "node:path";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { runSuite } from "../run-suite.ts";

startScript("test:browser");
runSuite([join(import.meta.dirname, "*.test.ts")], { timeoutMs: 120_000 });
