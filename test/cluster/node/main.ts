// node test/cluster/node/main.ts: podrole's images on a real node, as `kubectl apply -k` brings them. Needs root and the
// packages of ../kubernetes/packages.sh podman. Brings a cluster of one node up, builds and loads the images, runs the
// suite and takes everything down. About 3 minutes.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { buildImages } from "./images.ts";

const SCRIPT = join(import.meta.dirname, "../kubernetes/node.sh");

function node(verb: "up" | "load" | "down", directory: string, ...words: readonly string[]): string {
  const { status, stdout } = spawnSync(SCRIPT, [verb, directory, ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new RangeError(`node.sh ${verb} ended with ${status}`);
  return stdout;
}

function suite(env: NodeJS.ProcessEnv): Promise<number> {
  // One after the other: each installs podrole.
  const options = ["--test", "--test-reporter=spec", "--test-timeout=600000", "--test-concurrency=1"];
  const files = ["node.test.ts", "operator.test.ts"].map((file) => join(import.meta.dirname, file));
  const words = [...options, ...files];
  const child = spawn(process.execPath, words, { stdio: "inherit", env });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", pass).once("SIGTERM", pass);
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

const cluster = mkdtempSync(join(tmpdir(), "podrole-node-"));
const images = mkdtempSync(join(tmpdir(), "podrole-images-"));
try {
  const environment = parseEnv(node("up", cluster));
  const { archives, added } = await buildImages(environment["IMAGES"] ?? "", images);
  node("load", cluster, ...archives);
  process.exitCode = await suite({
    ...process.env,
    ...environment,
    PODROLE_NODE: cluster,
    PODROLE_IMAGE_BYTES: JSON.stringify(added),
  });
} finally {
  node("down", cluster);
  for (const directory of [cluster, images]) rmSync(directory, { recursive: true, force: true });
}
