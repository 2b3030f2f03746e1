// node test/cluster/node/main.ts: podrole's own images on a real node, as a user gets them. Brings a cluster of one node
// up, builds and loads the images, installs podrole, runs the *.test.ts of this folder one after the other, and takes
// everything down. Needs root and the packages of ../kubernetes/packages.sh podman. README.md has the options.
import { spawn, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { createKubectl } from "../kubectl.ts";
import { type BuiltImages, buildImages } from "./images.ts";
import { installers } from "./install/installers.ts";

const SCRIPT = join(import.meta.dirname, "../kubernetes/node.sh");
/** The first counts restarts; the last ones make them. */
const ORDER = ["installation", "operator", "workloads", "refusals", "reinvocation", "rolling", "faults"];

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    install: { type: "string", default: "kustomize" },
    keep: { type: "boolean", default: false },
    images: { type: "string" },
  },
});

function node(verb: "up" | "load" | "down", directory: string, ...words: readonly string[]): string {
  const { status, stdout } = spawnSync(SCRIPT, [verb, directory, ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new RangeError(`node.sh ${verb} ended with ${status}`);
  return stdout;
}

function files(): readonly string[] {
  const all = globSync(join(import.meta.dirname, "*.test.ts"));
  const topic = (file: string) => basename(file, ".test.ts");
  const rank = (file: string) => (ORDER.indexOf(topic(file)) + ORDER.length + 1) % (ORDER.length + 1);
  return all
    .filter((file) => options.only === undefined || options.only.includes(topic(file)))
    .toSorted((a, b) => rank(a) - rank(b));
}

function run(env: NodeJS.ProcessEnv): Promise<number> {
  // In one process: node --test would sort the files.
  const words = ["--test-reporter=spec", join(import.meta.dirname, "topics.ts"), ...files()];
  const child = spawn(process.execPath, words, { stdio: "inherit", env });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", pass).once("SIGTERM", pass);
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

/** Installs, runs the suite, uninstalls; resolves with the exit code. */
async function onCluster(environment: NodeJS.ProcessEnv, sizes: BuiltImages["sizes"]): Promise<number> {
  const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = environment;
  const installer = installers(createKubectl({ binary, kubeconfig }), environment)[options.install];
  if (installer === undefined) throw new RangeError(`--install ${options.install}: kustomize or helm is wanted`);
  console.error(`installing by ${options.install}`);
  await installer.install();
  try {
    return await run({ ...environment, PODROLE_IMAGE_SIZES: JSON.stringify(sizes) });
  } finally {
    if (!options.keep) await installer.uninstall();
  }
}

async function onNewNode(): Promise<number> {
  const cluster = mkdtempSync(join(tmpdir(), "podrole-node-"));
  const built = mkdtempSync(join(tmpdir(), "podrole-images-"));
  try {
    const environment = parseEnv(node("up", cluster));
    const { archives, sizes } = await buildImages(environment["IMAGES"] ?? "", built);
    node("load", cluster, ...archives);
    return await onCluster({ ...process.env, ...environment, PODROLE_NODE: cluster }, sizes);
  } finally {
    rmSync(built, { recursive: true, force: true });
    if (options.keep) {
      console.error(`kept: set -a; . ${cluster}/environment; PODROLE_NODE=${cluster}; set +a; node --test FILE`);
      console.error(`to end it: ${SCRIPT} down ${cluster}`);
    } else {
      node("down", cluster);
      rmSync(cluster, { recursive: true, force: true });
    }
  }
}

if (options.images !== undefined) await buildImages(process.env["IMAGES"] ?? "", options.images);
else process.exitCode = await (process.env["KUBECONFIG"] ? onCluster(process.env, {}) : onNewNode());
