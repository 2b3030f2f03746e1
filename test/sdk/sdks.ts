// The SDKs under test, each as commands: "call" asks STS who it is, "fetch" asks for credentials many times.
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
  /** How many times: a tool that is a process each time does fewer. */
  readonly fetches: number;
  readonly fetch: readonly string[];
}

/** Installs and builds what is missing. */
export function prepareSdks(env: Readonly<Record<string, string | undefined>>): readonly Sdk[] {
  const python = preparePython(env);
  const sdks = [
    sdk("javascript-v3", "JavaScript v3", ownVersion("@aws-sdk/client-sts"), [
      process.execPath,
      here("clients/javascript-v3.ts"),
    ]),
    sdk("javascript-v2", "JavaScript v2", inFile("javascript-v2/package.json", /"aws-sdk": "(.*?)"/), [
      process.execPath,
      // A note on the end of its support, otherwise.
      "--no-warnings",
      here("clients/javascript-v2.ts"),
      prepareJavascriptV2(env),
    ]),
    sdk("boto3", "boto3", inFile("python/requirements.txt", /^boto3==(.*)$/m), [
      join(python, "bin/python"),
      here("python/client.py"),
    ]),
    sdk("go-v2", "Go v2", inFile("go/go.mod", /aws-sdk-go-v2 v(\S+)/), [prepareGo(env)]),
  ];
  const whoAmI = [join(python, "bin/aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"];
  const cli: Sdk = {
    id: "aws-cli",
    title: "AWS CLI",
    version: inFile("python/requirements.txt", /^awscli==(.*)$/m),
    call: whoAmI,
    fetches: 3,
    fetch: ["/bin/sh", "-c", `set -e; for time in 1 2 3; do "$@"; done`, "sh", ...whoAmI],
  };
  return [...sdks, cli];
}

function sdk(id: string, title: string, version: string, command: readonly string[]): Sdk {
  const fetches = 1_000;
  return { id, title, version, call: [...command, "call"], fetches, fetch: [...command, "fetch", String(fetches)] };
}

function ownVersion(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(here("../../package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies[name] ?? "";
}

function inFile(file: string, pattern: RegExp): string {
  const [, version] = pattern.exec(readFileSync(here(file), "utf8")) ?? [];
  if (version === undefined) throw new RangeError(`${file} names no version (${pattern})`);
  return version;
}
