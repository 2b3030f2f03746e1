// What suites need and the project does not install: fetched or built once per machine, below PODROLE_CACHE, in a
// folder whose name is a hash of all inputs. A folder without the file `.complete` is incomplete and is created again.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SetupError } from "../scripts/command-line/setup-error.ts";

/** What a cached folder is made from. */
export interface CachedFolder {
  readonly name: string;
  /** Everything that decides about the contents; another input results in another folder. */
  readonly inputs: readonly string[];
  /** Shown while it is made. */
  readonly what: string;
  readonly make: (folder: string) => void;
}

/** Returns the folder; makes it if this machine does not have it yet. */
export function cachedFolder(
  env: Readonly<Record<string, string | undefined>>,
  { name, inputs, what, make }: CachedFolder,
): string {
  const cache = env["PODROLE_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "podrole");
  const key = createHash("sha256").update(inputs.join("\0")).digest("hex").slice(0, 12);
  const folder = join(cache, `${name}-${key}`);
  const marker = join(folder, ".complete");
  if (existsSync(marker)) return folder;
  process.stderr.write(`installing ${what} into ${folder} (once per machine)\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  writeFileSync(marker, "");
  return folder;
}

/**
 * Installs the npm packages of a lockfile, which has the hash of each, and runs none of their scripts. `directory`
 * contains package.json and package-lock.json. Returns the folder whose node_modules contains the packages.
 */
export function cachedPackages(
  env: Readonly<Record<string, string | undefined>>,
  { name, directory, what }: Pick<CachedFolder, "name" | "what"> & { readonly directory: string },
): string {
  const files = ["package.json", "package-lock.json"];
  const inputs = files.map((file) => readFileSync(join(directory, file), "utf8"));
  return cachedFolder(env, {
    name,
    inputs,
    what,
    make(folder) {
      for (const file of files) cpSync(join(directory, file), join(folder, file));
      runTool("npm", ["ci", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"]);
    },
  });
}

/** Runs a program to its end; throws SetupError with its output if it fails. */
export function runTool(command: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error || status !== 0) throw new SetupError(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
