// Installs or builds the SDKs that are not dependencies of this project, once per machine.
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../scripts/command-line/setup-error.ts";
import { cachedFolder, cachedPackages, runTool } from "../cached-folder.ts";

type Env = Readonly<Record<string, string | undefined>>;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Installs the requirements of a folder; returns the folder of the virtual environment, whose programs are in bin/. */
export function preparePython(env: Env, project: "python" | "crt" | "cpp", what: string): string {
  const requirements = here(`${project}/requirements.txt`);
  const version = versionOf(
    "python3",
    ["--version"],
    "Python 3.10 or newer with its venv module (Debian: python3-venv)",
  );
  const install = [
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "--requirement",
    requirements,
  ];
  return cachedFolder(env, {
    name: `sdk-${project}`,
    inputs: [version, readFileSync(requirements, "utf8")],
    what,
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

/** Builds a Go module of this folder; returns the path of the program. */
export function prepareGo(env: Env, module: "go" | "go-v1" | "minio-go"): string {
  const version = versionOf("go", ["version"], "Go 1.26 or newer (https://go.dev/dl)");
  const inputs = ["main.go", "go.mod", "go.sum"].map((file) => readFileSync(here(`${module}/${file}`), "utf8"));
  const folder = cachedFolder(env, {
    name: `sdk-${module}`,
    inputs: [version, ...inputs],
    what: `the client in test/sdk/${module}`,
    make: (target) => runTool("go", ["build", "-C", here(module), "-mod=readonly", "-o", join(target, "client"), "."]),
  });
  return join(folder, "client");
}

/** Builds a Java project of this folder; returns the class path of its class Client. */
export function prepareJava(env: Env, project: "java-v1" | "java-v2"): string {
  const version = versionOf("javac", ["--version"], "a JDK of version 17 or newer, and Maven");
  const inputs = ["pom.xml", "Client.java"].map((file) => readFileSync(here(`${project}/${file}`), "utf8"));
  const folder = cachedFolder(env, {
    name: `sdk-${project}`,
    inputs: [version, ...inputs],
    what: `the client in test/sdk/${project}`,
    make(target) {
      const jars = join(target, "jars");
      const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${jars}`, "-DincludeScope=runtime"];
      runTool("mvn", ["--batch-mode", "--quiet", `--file=${here(project)}/pom.xml`, ...goal]);
      runTool("javac", ["-cp", `${jars}/*`, "-d", target, here(`${project}/Client.java`)]);
    },
  });
  return `${folder}:${join(folder, "jars")}/*`;
}

/** Builds test/sdk/rust; returns the path of the program. */
export function prepareRust(env: Env): string {
  const version = versionOf("cargo", ["--version"], "Rust 1.94.1 or newer (https://rustup.rs)");
  const inputs = ["Cargo.toml", "Cargo.lock", "src/main.rs"].map((file) => readFileSync(here(`rust/${file}`), "utf8"));
  const folder = cachedFolder(env, {
    name: "sdk-rust",
    inputs: [version, ...inputs],
    what: "the client in test/sdk/rust",
    make(target) {
      const built = join(target, "build");
      const output = ["--locked", "--release", "--target-dir", built];
      runTool("cargo", ["build", "--quiet", "--manifest-path", here("rust/Cargo.toml"), ...output]);
      renameSync(join(built, "release/client"), join(target, "client"));
      // Several hundred MB of compiled dependencies.
      rmSync(built, { recursive: true });
    },
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
