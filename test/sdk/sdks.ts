// The SDKs under test, each as three commands: `call` calls GetCallerIdentity, `fetch` gets credentials many times,
// `again` calls twice with the same client.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../scripts/command-line/setup-error.ts";
import { prepareGo, prepareJava, prepareJavascriptV2, preparePython, prepareRust } from "./setup.ts";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export interface Sdk {
  readonly id: string;
  readonly title: string;
  readonly version: string;
  readonly call: readonly string[];
  /** How often `fetch` gets credentials; fewer times for a tool that starts a process each time. */
  readonly fetches: number;
  readonly fetch: readonly string[];
  /** Calls, creates the file of variable AGAIN_FILE, and calls again when that is gone. */
  readonly again: readonly string[];
}

/** Each call is a new process, as in a script. */
const CALL_TWICE = 'set -e; "$@"; : > "$AGAIN_FILE"; while [ -e "$AGAIN_FILE" ]; do sleep 0.1; done; "$@"';

type Env = Readonly<Record<string, string | undefined>>;

/** Installs or builds one SDK if it is missing. */
type Prepare = (env: Env, id: string) => Sdk;

/** Run on every change of podrole. */
const MOST_USED: Readonly<Record<string, Prepare>> = {
  "javascript-v3": (_, id) =>
    sdk(id, "JavaScript v3", dependencyVersion("@aws-sdk/client-sts"), [
      process.execPath,
      here("clients/javascript-v3.ts"),
    ]),
  "javascript-v2": (env, id) =>
    sdk(id, "JavaScript v2", versionIn("javascript-v2/package.json", /"aws-sdk": "(.*?)"/), [
      process.execPath,
      // Hides the warning that this SDK is no longer supported.
      "--no-warnings",
      here("clients/javascript-v2.ts"),
      prepareJavascriptV2(env),
    ]),
  boto3: (env, id) =>
    sdk(id, "boto3", versionIn("python/requirements.txt", /^boto3==(\S+)/m), [
      join(preparePython(env, "python", "boto3 and the AWS CLI"), "bin/python"),
      here("python/client.py"),
    ]),
  "go-v2": (env, id) => sdk(id, "Go v2", versionIn("go/go.mod", /aws-sdk-go-v2 v(\S+)/), [prepareGo(env, "go")]),
  "aws-cli": commandLine,
};

/** Those that need a JDK and Maven, or Rust, to build, and those that most pods do not have. */
const FURTHER: Readonly<Record<string, Prepare>> = {
  "go-v1": (env, id) => sdk(id, "Go v1", versionIn("go-v1/go.mod", /aws-sdk-go v(\S+)/), [prepareGo(env, "go-v1")]),
  "java-v2": (env, id) =>
    sdk(id, "Java v2", mavenVersion("java-v2", "sts"), ["java", "-cp", prepareJava(env, "java-v2"), "Client"]),
  "java-v1": (env, id) =>
    sdk(id, "Java v1", mavenVersion("java-v1", "aws-java-sdk-sts"), [
      "java",
      // Otherwise every failure begins with its announcement that it is no longer supported, and with a log of dates.
      "-Daws.java.v1.disableDeprecationAnnouncement=true",
      "-Dorg.apache.commons.logging.Log=org.apache.commons.logging.impl.NoOpLog",
      "-cp",
      prepareJava(env, "java-v1"),
      "Client",
    ]),
  rust: (env, id) => sdk(id, "Rust", versionIn("rust/Cargo.toml", /^aws-config = "=(.*)"$/m), [prepareRust(env)]),
  cpp: (env, id) =>
    sdk(id, "C++ (pyarrow)", versionIn("cpp/requirements.txt", /^pyarrow==(\S+)/m), [
      join(preparePython(env, "cpp", "pyarrow"), "bin/python"),
      here("cpp/client.py"),
    ]),
  crt: (env, id) => {
    const command = [join(preparePython(env, "crt", "awscrt"), "bin/python"), here("crt/client.py")];
    // Each chain takes it tens of milliseconds.
    return sdk(id, "Common Runtime", versionIn("crt/requirements.txt", /^awscrt==(\S+)/m), command, 100);
  },
  "minio-go": (env, id) =>
    sdk(id, "minio-go", versionIn("minio-go/go.mod", /minio-go\/v7 v(\S+)/), [prepareGo(env, "minio-go")]),
};

/**
 * Installs and builds missing SDKs: those that PODROLE_SDK_ONLY lists, separated by commas, or the most used ones, and
 * the further ones too if PODROLE_SDK_ALL is "true". Throws SetupError for an unknown name.
 */
export function prepareSdks(env: Env): readonly Sdk[] {
  const all = { ...MOST_USED, ...FURTHER };
  const isAll = env["PODROLE_SDK_ALL"] === "true";
  const only = env["PODROLE_SDK_ONLY"] || Object.keys(isAll ? all : MOST_USED).join();
  return only.split(",").map((id) => {
    const prepare = all[id];
    if (prepare === undefined) throw new SetupError(`--only is ${id}; expected one of ${Object.keys(all).join(", ")}`);
    return prepare(env, id);
  });
}

function commandLine(env: Env, id: string): Sdk {
  const program = join(preparePython(env, "python", "boto3 and the AWS CLI"), "bin/aws");
  const callerIdentity = [program, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"];
  return {
    id,
    title: "AWS CLI",
    version: versionIn("python/requirements.txt", /^awscli==(\S+)/m),
    call: callerIdentity,
    fetches: 3,
    fetch: ["/bin/sh", "-c", `set -e; for time in 1 2 3; do "$@"; done`, "sh", ...callerIdentity],
    again: ["/bin/sh", "-c", CALL_TWICE, "sh", ...callerIdentity],
  };
}

function sdk(id: string, title: string, version: string, command: readonly string[], fetches = 1_000): Sdk {
  const run = (...args: string[]) => [...command, ...args];
  return { id, title, version, fetches, call: run("call"), fetch: run("fetch", String(fetches)), again: run("again") };
}

function dependencyVersion(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(here("../../package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies[name] ?? "";
}

function mavenVersion(project: string, artifact: string): string {
  return versionIn(
    `${project}/pom.xml`,
    new RegExp(String.raw`<artifactId>${artifact}</artifactId>\s*<version>(.*)</version>`),
  );
}

function versionIn(file: string, pattern: RegExp): string {
  const [, version] = pattern.exec(readFileSync(here(file), "utf8")) ?? [];
  if (version === undefined) throw new RangeError(`Cannot read a version: ${file} does not match ${pattern}`);
  return version;
}
