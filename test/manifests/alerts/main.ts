// npm run test:alerts: the alert rules, by Prometheus' own promtool.
import { join } from "node:path";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { runSuite } from "../../run-suite.ts";

startScript("test:alerts");
runSuite([join(import.meta.dirname, "promtool.ts")]);
