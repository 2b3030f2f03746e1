// KWOK, which reports the pods of nodes without a kubelet as running. States: built → running (startKwok) → ended.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../../../scripts/command-line/setup-error.ts";

const BUILD = join(import.meta.dirname, "../../cluster/kwok/build.sh");

/** The node whose pods it runs. */
export const KWOK_NODE = "kwok-0";
const ANNOTATION = "kwok.x-k8s.io/node";

/** The node's object: room for every pod, and no kubelet. */
export function nodeObject(pods: number): object {
  const resources = { cpu: "10k", memory: "10Ti", pods: String(pods + 100) };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: KWOK_NODE,
      annotations: { [ANNOTATION]: "fake" },
      labels: { "kubernetes.io/hostname": KWOK_NODE },
    },
    status: { allocatable: resources, capacity: resources },
  };
}

/** Builds KWOK, once on a machine; returns its folder. Throws SetupError. */
export function buildKwok(): string {
  const { status, stdout } = spawnSync(BUILD, [], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new SetupError(`kwok/build.sh exited with ${status}`);
  return stdout.trim();
}

/** Returns the version of the program in the folder: "0.8.0". */
export function kwokVersion(folder: string): string {
  const { stdout } = spawnSync(join(folder, "kwok"), ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "unknown";
}

/** Starts KWOK, which logs to a file. */
export function startKwok(folder: string, kubeconfig: string, logFile: string) {
  const log = createWriteStream(logFile);
  const args = [
    ...["--kubeconfig", kubeconfig, "--config", join(folder, "stages.yaml"), "--enable-crds", ""],
    ...["--manage-all-nodes=false", `--manage-nodes-with-annotation-selector=${ANNOTATION}=fake`],
    ...["--node-ip", "127.0.0.1", "--cidr", "10.128.0.0/16"],
  ];
  const child = spawn(join(folder, "kwok"), args, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  return {
    async stop(): Promise<void> {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}
