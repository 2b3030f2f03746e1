// Installs or builds the SDKs that are not dependencies of this project, once per machine.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../scripts/command-line/setup-error.ts";
import { cachedFolder, cachedPackages, runTool } from "../cached-folder.ts";

type Env = Readonly<Record<string, string | undefined>>;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Installs boto3 and the AWS CLI; returns the folder of the virtual environment, whose programs are in bin/. */
export function preparePython(env: Env): string {
  const requirements = here("python/requirements.txt");
  const version = versionOf(
    "python3",
    ["--version"],
    "Python 3.10 or newer with its venv module (Debian: python3-venv)",
  );
  const install = ["install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
  return cachedFolder(env, {
    name: "sdk-python",
    inputs: [version, readFileSync(requirements, "utf8")],
    what: "boto3 and the AWS CLI",
    make(folder) {
      runTool("python3", ["-m", "venv", folder]);
      runTool(join(folder, "bin/pip"), install);
    },
  });
}

/** Installs aws-sdk; returns the folder whose node_modules contains it. */
export function prepareJavascriptV2(env: Env): string {
  return cachedPackages(env, {
    name: "sdk-javascript-v2",
    directory: here("javascript-v2"),
    what: "the JavaScript SDK v2",
  });
}

/** Builds test/sdk/go; returns the path of the program. */
export function prepareGo(env: Env): string {
  const version = versionOf("go", ["version"], "Go 1.26 or newer (https://go.dev/dl)");
  const inputs = ["main.go", "go.mod", "go.sum"].map((file) => readFileSync(here(`go/${file}`), "utf8"));
  const folder = cachedFolder(env, {
    name: "sdk-go",
    inputs: [version, ...inputs],
    what: "the Go SDK v2",
    make: (target) => runTool("go", ["build", "-C", here("go"), "-mod=readonly", "-o", join(target, "client"), "."]),
  });
  return join(folder, "client");
}

/** Returns the version that a toolchain prints; throws SetupError with what to install if it is missing. */
function versionOf(command: string, args: readonly string[], expected: string): string {
  const { error, status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  if (error || status !== 0)
    throw new SetupError(`${command} cannot run: it is missing or fails; expected ${expected}`);
  return stdout.trim();
}
