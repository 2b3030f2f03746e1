// helm with the suite's release: the chart of manifests/chart with values.yaml beside this file, in namespace podrole.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const ROOT = join(import.meta.dirname, "../../../..");
const CHART = join(ROOT, "manifests/chart");
const VALUES = join(import.meta.dirname, "helm/values.yaml");

export interface Helm {
  /** Output of a command that must succeed. */
  ok(words: readonly string[]): Promise<string>;
  json<Answer>(words: readonly string[]): Promise<Answer>;
  install(): Promise<string>;
  /** helm upgrade with further values; waits until everything is ready. */
  upgrade(words: readonly string[]): Promise<string>;
}

/** HELM names the binary; without it, it is built (test/cluster/helm), once a machine. */
export function createHelm(env: NodeJS.ProcessEnv): Helm {
  let binary = env["HELM"];

  function built(): string {
    const { status, stdout } = spawnSync(join(ROOT, "test/cluster/helm/build.sh"), [], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new RangeError(`test/cluster/helm/build.sh ended with ${status}`);
    return join(stdout.trim(), "helm");
  }

  async function ok(words: readonly string[]): Promise<string> {
    binary ??= built();
    const child = spawn(binary, ["--namespace", "podrole", ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code !== 0) throw new RangeError(`helm ${words.join(" ")}: ${out}${err}`);
    return out;
  }

  const chart = (verb: "install" | "upgrade", words: readonly string[]) =>
    ok([verb, "podrole", CHART, "--values", VALUES, "--wait", "--timeout=5m", ...words]);

  return {
    ok,
    json: async (words) => JSON.parse(await ok([...words, "--output", "json"])),
    install: () => chart("install", []),
    upgrade: (words) => chart("upgrade", words),
  };
}
