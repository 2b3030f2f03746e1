// The SDKs under test, each as three commands: `call` calls GetCallerIdentity, `fetch` gets credentials many times,
// `again` calls twice with the same client.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareGo, prepareJavascriptV2, preparePython } from "./setup.ts";

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

/** Installs and builds missing SDKs. */
export function prepareSdks(env: Readonly<Record<string, string | undefined>>): readonly Sdk[] {
  const python = preparePython(env);
  const sdks = [
    sdk("javascript-v3", "JavaScript v3", dependencyVersion("@aws-sdk/client-sts"), [
      process.execPath,
      here("clients/javascript-v3.ts"),
    ]),
    sdk("javascript-v2", "JavaScript v2", versionIn("javascript-v2/package.json", /"aws-sdk": "(.*?)"/), [
      process.execPath,
      // Hides the warning that this SDK is no longer supported.
      "--no-warnings",
      here("clients/javascript-v2.ts"),
      prepareJavascriptV2(env),
    ]),
    sdk("boto3", "boto3", versionIn("python/requirements.txt", /^boto3==(.*)$/m), [
      join(python, "bin/python"),
      here("python/client.py"),
    ]),
    sdk("go-v2", "Go v2", versionIn("go/go.mod", /aws-sdk-go-v2 v(\S+)/), [prepareGo(env)]),
  ];
  const callerIdentity = [join(python, "bin/aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"];
  const cli: Sdk = {
    id: "aws-cli",
    title: "AWS CLI",
    version: versionIn("python/requirements.txt", /^awscli==(.*)$/m),
    call: callerIdentity,
    fetches: 3,
    fetch: ["/bin/sh", "-c", `set -e; for time in 1 2 3; do "$@"; done`, "sh", ...callerIdentity],
    // Each call is a new process, as in a script.
    again: ["/bin/sh", "-c", CALL_TWICE, "sh", ...callerIdentity],
  };
  return [...sdks, cli];
}

function sdk(id: string, title: string, version: string, command: readonly string[]): Sdk {
  const fetches = 1_000;
  const run = (...args: string[]) => [...command, ...args];
  return { id, title, version, fetches, call: run("call"), fetch: run("fetch", String(fetches)), again: run("again") };
}

function dependencyVersion(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(here("../../package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies[name] ?? "";
}

function versionIn(file: string, pattern: RegExp): string {
  const [, version] = pattern.exec(readFileSync(here(file), "utf8")) ?? [];
  if (version === undefined) throw new RangeError(`Cannot read a version: ${file} does not match ${pattern}`);
  return version;
}
