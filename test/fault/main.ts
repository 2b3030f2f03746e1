// npm run test:fault: faults of everything around podrole, and of podrole itself, while an app uses it (needs
// libfaketime; rows that mount volumes or limit other processes need root, two of them strace).
//   --short      at most 5 minutes, for CI
//   --row TEXT   only rows whose ids contain the text
//   --publish    writes results.json; with --row, only those rows of it
import { join } from "node:path";
import { runRowSuite } from "../run-suite.ts";
import { missingTools } from "./world.ts";

runRowSuite({
  what: "the faults",
  file: join(import.meta.dirname, "fault.test.ts"),
  prefix: "PODROLE_FAULT",
  problems: missingTools(),
  publishesRows: true,
});
