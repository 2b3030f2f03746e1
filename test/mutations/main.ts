// npm run test:mutations: makes each deliberate break of mutations.ts in a copy of the sources and runs the suites that
// must find it. Exits with 1 if a suite passes with a break, or fails without one.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { ROOT } from "../files.ts";
import { measuredNow } from "../published-results.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";
import { type MutationResult, mutationResults } from "./results.ts";

const COPIED = ["src", "test", "emulators", "package.json"];

function createCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), "podrole-mutations-"));
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Reports whether all of the suites pass in the copy. */
function doPass(copy: string, suites: readonly string[]): boolean {
  const args = ["--no-warnings", "--test", "--test-timeout=120000", ...suites];
  return spawnSync(process.execPath, args, { cwd: copy, stdio: "ignore" }).status === 0;
}

/** Returns the suites that fail with the break. */
function suitesThatFind(copy: string, { file, find, replace, foundBy }: Mutation): readonly string[] {
  const path = join(copy, file);
  const original = readFileSync(path, "utf8");
  writeFileSync(path, original.replace(find, replace));
  try {
    return foundBy.filter((suite) => !doPass(copy, [suite]));
  } finally {
    writeFileSync(path, original);
  }
}

const { values } = startScript("test:mutations");
const chosen = MUTATIONS.filter(({ file }) => file.includes(values.row));
const copy = createCopy();
const rows: MutationResult[] = [];
try {
  const suites = Array.from(new Set(chosen.flatMap(({ foundBy }) => foundBy)));
  if (!doPass(copy, suites))
    throw new RangeError("Cannot test the breaks: a suite fails without any; expected all to pass");
  for (const mutation of chosen) {
    const { breaks, file } = mutation;
    const foundBy = suitesThatFind(copy, mutation);
    rows.push({ breaks, file, foundBy });
    console.log(`${foundBy.length > 0 ? "found" : "MISSED"}: ${breaks} (${file}; ${foundBy.join(", ")})`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const missed = rows.filter(({ foundBy }) => foundBy.length === 0).length;
if (values.publish && chosen.length === MUTATIONS.length) mutationResults.write({ ...measuredNow(), rows });
console.log(`${chosen.length - missed} of ${chosen.length} breaks found`);
process.exitCode = missed === 0 ? 0 : 1;
