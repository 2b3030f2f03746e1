// A folder with the completion script of a shell, and with the checkout's podrole as it stands on a user's PATH.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after } from "node:test";
import { COMPLETION_SCRIPTS, type Shell } from "../../../src/cli/completion/scripts.ts";
import { ROOT } from "../../files.ts";

/** Makes the folder; it is removed after the tests. */
export function openShellFolder(shell: Shell) {
  const path = mkdtempSync(join(tmpdir(), `podrole-${shell}-`));
  after(() => rmSync(path, { recursive: true }));
  const program = join(path, "podrole");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "src/cli/main.ts")}" "$@"\n`);
  chmodSync(program, 0o755);
  const script = join(path, "completion");
  writeFileSync(script, COMPLETION_SCRIPTS[shell]);
  return { path, script, env: { HOME: path, TERM: "dumb", PATH: [path, process.env["PATH"]].join(delimiter) } };
}
