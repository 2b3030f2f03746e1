// Helm with the suite's release: the chart of manifests/chart with helm/values.yaml, in namespace podrole.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { releaseFileNames } from "../../../../scripts/release/file-names.ts";
import { VERSION } from "../../../../src/runtime/version.ts";
import { ROOT } from "../../../files.ts";

const VALUES = join(import.meta.dirname, "helm/values.yaml");

export interface Helm {
  /** Resolves with the output; throws RangeError if the command fails. */
  ok(args: readonly string[]): Promise<string>;
  json<Answer>(args: readonly string[]): Promise<Answer>;
  install(): Promise<string>;
  /** Runs `helm upgrade` with additional arguments; waits until everything is ready. */
  upgrade(args: readonly string[]): Promise<string>;
}

/** Path of the binary: that of HELM; without it, builds one (test/cluster/helm), once per machine. */
export function helmBinary(env: NodeJS.ProcessEnv): string {
  if (env["HELM"]) return env["HELM"];
  const { status, stdout } = spawnSync(join(ROOT, "test/cluster/helm/build.sh"), [], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new RangeError(`test/cluster/helm/build.sh exited with ${status}`);
  return join(stdout.trim(), "helm");
}

/**
 * Uses helmBinary(). PODROLE_ARTEFACTS names a folder of `npm run release:dry`, whose chart is installed; without it,
 * the chart is that of the sources.
 */
export function createHelm(env: NodeJS.ProcessEnv): Helm {
  let binary: string | undefined;
  const artefacts = env["PODROLE_ARTEFACTS"];
  const source =
    artefacts === undefined ? join(ROOT, "manifests/chart") : join(artefacts, releaseFileNames(VERSION).chart);

  async function ok(args: readonly string[]): Promise<string> {
    binary ??= helmBinary(env);
    const child = spawn(binary, ["--namespace", "podrole", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code !== 0) throw new RangeError(`helm ${args.join(" ")}: ${out}${err}`);
    return out;
  }

  const chart = (verb: "install" | "upgrade", args: readonly string[]) =>
    ok([verb, "podrole", source, "--values", VALUES, "--wait", "--timeout=5m", ...args]);

  return {
    ok,
    json: async (args) => JSON.parse(await ok([...args, "--output", "json"])),
    install: () => chart("install", []),
    upgrade: (args) => chart("upgrade", args),
  };
}
