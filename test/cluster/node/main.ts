// node test/cluster/node/main.ts: tests podrole's own images on a real node, as users run them. Starts a cluster of one
// node, builds and loads the images, installs podrole, runs the *.test.ts files of this folder one after the other, and
// removes everything. Needs root and the packages of ../kubernetes/packages.sh podman. README.md lists the options.
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { startScript } from "../../../scripts/command-line/start-script.ts";
import { VERSION } from "../../../src/runtime/version.ts";
import { createKubectl } from "../kubectl.ts";
import { NODE_SCRIPT, runNodeScript } from "../kubernetes/node.ts";
import { type BuiltImages, buildImages } from "./images.ts";
import { createInstallers } from "./install/installers.ts";

/** installation counts restarts, so it runs first; the last two cause restarts. */
const ORDER = [
  "installation",
  "operator",
  "workloads",
  "jobs",
  "debug",
  "refusals",
  "reinvocation",
  "rolling",
  "faults",
];
/** Too long for the suite's budget in CI; run only if --only names them. */
const LONG: ReadonlySet<string> = new Set([
  "drill",
  "pod-certificate-drill",
  "pod-certificate-outage",
  "pod-certificate-renewal",
  "situations",
  "waiting-jobs",
]);

// A signal must not leave a node behind: it ends the running tests, then everything is removed.
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());

const { values: options } = startScript("test/cluster/node/main.ts");
const artefacts = options.artefacts === undefined ? undefined : resolve(options.artefacts);

/** Files that belong to one installation method, which has the same name. */
const OWN_FILES = ["helm", "try", "artefacts"];

/**
 * The test files for an installation method: for helm, try and artefacts only the file of that name, for kustomize the
 * others. `--install` together with `--only` runs any file with any method.
 */
function filesFor(install: string): readonly string[] {
  const all = globSync(join(import.meta.dirname, "*.test.ts"));
  const topic = (file: string) => basename(file, ".test.ts");
  const isExplicit = options.install !== undefined && options.only !== undefined;
  const rank = (file: string) => (ORDER.indexOf(topic(file)) + ORDER.length + 1) % (ORDER.length + 1);
  return all
    .filter((file) => options.only?.includes(topic(file)) ?? !LONG.has(topic(file)))
    .filter((file) => {
      const owner = OWN_FILES.find((name) => name === topic(file)) ?? "kustomize";
      return owner === install || (isExplicit && owner === "kustomize");
    })
    .toSorted((a, b) => rank(a) - rank(b));
}

function run(files: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (stopping.signal.aborted) return Promise.resolve(1);
  const args = ["--test-reporter=spec", join(import.meta.dirname, "run-files.ts"), ...files];
  const child = spawn(process.execPath, args, { stdio: "inherit", env });
  stopping.signal.addEventListener("abort", () => child.kill());
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

/** For each installation method: installs podrole, runs the tests, uninstalls. Resolves with the exit code. */
async function onCluster(environment: NodeJS.ProcessEnv, sizes: BuiltImages["sizes"]): Promise<number> {
  const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = environment;
  const known = createInstallers(createKubectl({ binary, kubeconfig }), environment);
  let worst = 0;
  const names = options.install ?? (artefacts === undefined ? ["kustomize", "helm"] : ["artefacts", "try"]);
  for (const name of names) {
    const files = filesFor(name);
    const installer = known[name];
    if (installer === undefined)
      throw new RangeError(`Cannot install podrole: --install is ${name}; expected ${Object.keys(known).join(" or ")}`);
    if (files.length === 0 || stopping.signal.aborted) continue;
    console.error(`installing with ${name}`);
    await installer.install();
    try {
      const forTests = { PODROLE_IMAGE_SIZES: JSON.stringify(sizes), PODROLE_PUBLISH: options.publish ? "yes" : "" };
      worst = Math.max(worst, await run(files, { ...environment, ...forTests }));
    } finally {
      const isKept = options.keep && name === names.at(-1);
      if (!isKept) await installer.uninstall();
    }
  }
  return stopping.signal.aborted ? 1 : worst;
}

/** Gives the images of a release also the names that manifests/overlays/try has, without a registry. */
function nameAsOverlay(cluster: string): void {
  for (const image of ["server", "sidecar", "try"].map((name) => `podrole-${name}:${VERSION}`)) {
    const names = [`localhost/${image}`, `docker.io/library/${image}`];
    runNodeScript("exec", cluster, "ctr", "--namespace", "k8s.io", "images", "tag", ...names);
  }
}

async function onNewNode(): Promise<number> {
  const cluster = mkdtempSync(join(tmpdir(), "podrole-node-"));
  const built = mkdtempSync(join(tmpdir(), "podrole-images-"));
  try {
    const environment = parseEnv(runNodeScript("up", cluster));
    const { archives, sizes } = await buildImages(environment["IMAGES"] ?? "", built, artefacts);
    runNodeScript("load", cluster, ...archives);
    if (artefacts !== undefined) nameAsOverlay(cluster);
    const release = artefacts !== undefined && { PODROLE_ARTEFACTS: artefacts };
    return await onCluster({ ...process.env, ...environment, ...release, PODROLE_NODE: cluster }, sizes);
  } finally {
    rmSync(built, { recursive: true, force: true });
    if (options.keep) {
      console.error(
        `to run a file against it: set -a; . ${cluster}/environment; PODROLE_NODE=${cluster}; set +a; node --test FILE`,
      );
      console.error(`to stop it: ${NODE_SCRIPT} down ${cluster}`);
    } else {
      runNodeScript("down", cluster);
      rmSync(cluster, { recursive: true, force: true });
    }
  }
}

if (options.images !== undefined) await buildImages(process.env["IMAGES"] ?? "", options.images);
else process.exitCode = await (process.env["KUBECONFIG"] ? onCluster(process.env, {}) : onNewNode());
