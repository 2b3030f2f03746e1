// The table of what kiam and kube2iam do and what podrole does instead, made by running the tests that show it: a test's
// name is its row, and a row stands there only because its test passed just now.
import { spawnSync } from "node:child_process";

/** "kiam: <behaviour> (<same, or how it differs>) [<source>]" */
const NAME = /^(kiam|kube2iam): (.+) \(((?:same|differs)\b.*)\) \[(.+)\]$/;

export interface Behaviour {
  readonly system: string;
  readonly behaviour: string;
  readonly podrole: string;
  readonly source: string;
  readonly file: string;
}

/** Throws RangeError when a test fails, or when one is not named as above. */
export function behavioursOf(files: readonly string[], root: string): readonly Behaviour[] {
  return files.flatMap((file) => {
    const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap", file], { cwd: root, encoding: "utf8" });
    const results = [...run.stdout.matchAll(/^(not ok|ok) \d+ - (.+)$/gm)];
    const failed = results.filter(([, result]) => result !== "ok").map(([, , name]) => name);
    if (run.status !== 0 || failed.length > 0 || results.length === 0) {
      throw new RangeError(`${file} does not pass: ${failed.join("; ")} ${run.stderr}`);
    }
    return results.map(([, , escaped = ""]) => rowOf(escaped.replaceAll(/\\(.)/g, "$1"), file));
  });
}

function rowOf(name: string, file: string): Behaviour {
  const [, system, behaviour, podrole, source] = NAME.exec(name) ?? [];
  if (system === undefined || behaviour === undefined || podrole === undefined || source === undefined) {
    throw new RangeError(`${file}: "${name}" is not named "kiam: behaviour (same|differs: how) [source]"`);
  }
  return { system, behaviour, podrole, source, file };
}
