// Runs commands as an operator's shell runs them: bash with kubectl and podrole in its path, in a folder of its own
// that has the project's manifests.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ROOT } from "../../files.ts";

const { KUBECONFIG = "", KUBECTL = "kubectl" } = process.env;

/** A shell of the cluster's operator. */
export interface OperatorShell {
  /** The folder in which commands run. */
  readonly folder: string;
  /** Resolves with the exit code, and with what the command wrote to a terminal that shows both streams. */
  run(command: string): Promise<{ readonly code: number; readonly out: string }>;
  close(): void;
}

/** Opens a shell; close() removes its folder. */
export function openOperatorShell(): OperatorShell {
  const folder = mkdtempSync(join(tmpdir(), "podrole-operator-"));
  const tools = join(folder, "bin");
  mkdirSync(tools);
  symlinkSync(join(ROOT, "manifests"), join(folder, "manifests"));
  for (const [name, program] of [
    ["kubectl", [KUBECTL]],
    ["podrole", [process.execPath, join(ROOT, "src/cli/main.ts")]],
  ] as const) {
    const file = join(tools, name);
    writeFileSync(file, `#!/bin/sh\nexec ${program.map((part) => `'${part}'`).join(" ")} "$@"\n`);
    chmodSync(file, 0o755);
  }
  const env = { ...process.env, KUBECONFIG, PATH: `${tools}:${process.env["PATH"]}` };
  return {
    folder,
    async run(command) {
      const child = spawn("bash", ["-c", `{ ${command}\n} 2>&1`], {
        cwd: folder,
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
      const [out, code] = await Promise.all([text(child.stdout), ended]);
      return { code, out };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
