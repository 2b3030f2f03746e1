// npm run test:fault: faults of everything around podrole, and of podrole itself, while an app uses it.
import { join } from "node:path";
import { runRowSuite } from "../run-suite.ts";

runRowSuite({
  name: "test:fault",
  file: join(import.meta.dirname, "fault.test.ts"),
  prefix: "PODROLE_FAULT",
  publishesRows: true,
});
