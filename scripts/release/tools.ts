// Programs that the release runs.
import { spawnSync } from "node:child_process";
import { ROOT } from "../root.ts";

/** Runs a program to its end and returns what it printed. Throws if it fails. */
export function runReleaseTool(command: string, args: readonly string[], cwd: string = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd, maxBuffer: 2 ** 26 });
  if (status === 0) return stdout;
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** Writes a tar archive of a folder's contents that depends on nothing but names and contents. `flags`: of GNU tar. */
export function packReproducibly(archive: string, directory: string, flags: readonly string[]): void {
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
  runReleaseTool("tar", [
    ...same,
    "--format=ustar",
    ...flags,
    "--create",
    "--file",
    archive,
    "--directory",
    directory,
    ".",
  ]);
}
