// Installs or builds the SDKs that are not dependencies of this project, once per machine: below PODROLE_CACHE, in a folder
// whose name is a hash of all inputs. A folder without the file `.complete` is incomplete and is created again.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

type Env = Readonly<Record<string, string | undefined>>;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const MARKER = ".complete";

/** Installs boto3 and the AWS CLI; returns the folder of the virtual environment, whose programs are in bin/. */
export function preparePython(env: Env): string {
  const requirements = here("python/requirements.txt");
  const version = versionOf(
    "python3",
    ["--version"],
    "Python 3.10 or newer with its venv module (Debian: python3-venv)",
  );
  return once(env, "python", [version, readFileSync(requirements, "utf8")], "boto3 and the AWS CLI", (folder) => {
    run("python3", ["-m", "venv", folder]);
    run(join(folder, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]);
  });
}

/** Installs aws-sdk; returns the folder whose node_modules contains it. */
export function prepareJavascriptV2(env: Env): string {
  const files = ["package.json", "package-lock.json"];
  const inputs = files.map((file) => readFileSync(here(`javascript-v2/${file}`), "utf8"));
  return once(env, "javascript-v2", inputs, "the JavaScript SDK v2", (folder) => {
    for (const file of files) cpSync(here(`javascript-v2/${file}`), join(folder, file));
    run("npm", ["ci", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"]);
  });
}

/** Builds test/sdk/go; returns the path of the program. */
export function prepareGo(env: Env): string {
  const version = versionOf("go", ["version"], "Go 1.26 or newer (https://go.dev/dl)");
  const inputs = ["main.go", "go.mod", "go.sum"].map((file) => readFileSync(here(`go/${file}`), "utf8"));
  const folder = once(env, "go", [version, ...inputs], "the Go SDK v2", (target) =>
    run("go", ["build", "-C", here("go"), "-mod=readonly", "-o", join(target, "client"), "."]),
  );
  return join(folder, "client");
}

function once(env: Env, name: string, inputs: readonly string[], what: string, make: (folder: string) => void): string {
  const cache = env["PODROLE_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "podrole");
  const key = createHash("sha256").update(inputs.join("\0")).digest("hex").slice(0, 12);
  const folder = join(cache, `sdk-${name}-${key}`);
  if (existsSync(join(folder, MARKER))) return folder;
  process.stderr.write(`installing ${what} into ${folder} (once per machine)\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  writeFileSync(join(folder, MARKER), "");
  return folder;
}

/** Returns the version that a toolchain prints; throws RangeError with what to install if it is missing. */
function versionOf(command: string, args: readonly string[], expected: string): string {
  const { error, status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  if (error || status !== 0)
    throw new RangeError(`Cannot run ${command}: it is missing or fails; expected ${expected}`);
  return stdout.trim();
}

function run(command: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error || status !== 0) throw new RangeError(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
