// The openssl program as an independent check. On machines without it, the tests that run it are skipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const withOpenssl = {
  skip: spawnSync("openssl", ["version"]).status === 0 ? false : "there is no openssl here",
};

/** Runs openssl with `files` in its directory; `output` is its output on both channels. */
export function runOpenssl(args: readonly string[], files: Readonly<Record<string, string | Uint8Array>>) {
  const directory = mkdtempSync(join(tmpdir(), "podrole-pki-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const { status, stdout, stderr } = spawnSync("openssl", args, {
      cwd: directory,
      encoding: "utf8",
      timeout: 20_000,
    });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
