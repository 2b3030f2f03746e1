// npm run test:attack: attacks on the real programs, in cgroups with the memory limits of the manifests (root,
// taskset).
//   --short      at most 4 minutes, for CI
//   --row TEXT   only rows whose ids contain the text
//   --publish    writes results.json
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { runRowSuite } from "../run-suite.ts";

runRowSuite({
  what: "the attacks",
  file: join(import.meta.dirname, "attack.test.ts"),
  prefix: "PODROLE_ATTACK",
  problems: [
    ...(process.getuid?.() === 0 ? [] : ["this user is not root, who alone may create cgroups"]),
    ...(spawnSync("taskset", ["--version"]).status === 0 ? [] : ["there is no taskset (Debian: util-linux)"]),
  ],
});
