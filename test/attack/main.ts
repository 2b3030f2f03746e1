// npm run test:attack: attacks on the real programs, in cgroups with the memory limits of the manifests.
import { join } from "node:path";
import { runRowSuite } from "../run-suite.ts";

runRowSuite({
  name: "test:attack",
  file: join(import.meta.dirname, "attack.test.ts"),
  prefix: "PODROLE_ATTACK",
});
