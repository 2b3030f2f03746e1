// npm run test:fault: faults of everything around podrole, and of podrole itself, while an app uses it (needs
// libfaketime).
//   --short      at most 5 minutes, for CI
//   --row TEXT   only rows whose ids contain the text
//   --publish    writes results.json
import { join } from "node:path";
import { runRowSuite } from "../run-suite.ts";
import { missingTools } from "./world.ts";

runRowSuite({
  what: "the faults",
  file: join(import.meta.dirname, "fault.test.ts"),
  prefix: "PODROLE_FAULT",
  problems: missingTools(),
});
