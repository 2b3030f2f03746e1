// Programs that the release runs.
import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { ROOT } from "../root.ts";

/** Where and with what a program runs; without `cwd`, in the folder of the project. */
export interface ToolOptions {
  readonly cwd?: string;
  /** Variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program ended, and what it printed on both outputs. */
export interface ToolOutcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end and returns what it printed. Throws if it fails. */
export function runReleaseTool(command: string, args: readonly string[], cwd: string = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd, maxBuffer: 2 ** 26 });
  if (status === 0) return stdout;
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** Runs a program that prints to the outputs of this process. Rejects if it fails. */
export async function runAttached(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { cwd: ROOT, stdio: "inherit" });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
  if (code !== 0) throw new Error(`Cannot run ${command} ${args.join(" ")}: it exited with ${code}; expected 0`);
}

/** Runs a program while this process continues, for example to serve the program's requests. */
export async function runBeside(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env = {} }: ToolOptions = {},
): Promise<ToolOutcome> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output: `${out}${err}`.trim() };
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
