// Bundles the sidecar into dist/sidecar: main.cjs, which every start loads, and one file for each module that is loaded
// on demand. The serving process therefore never loads the half megabyte of gRPC and X.509 that init and renewals need.
// The format is CommonJS, because Node's ES module loader costs 6 MB of private memory in each process; esbuild splits
// only ES modules, so these bundles share no code. The large ones get a code cache (code-cache.ts).
import { statSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import type { Bundle } from "./bundle.ts";
import { addCodeCache } from "./code-cache.ts";
import { ROOT } from "./root.ts";

const SIDECAR_ENTRY = join(ROOT, "src/sidecar/main.ts");

/** Writes the bundle; removes what was in the directory. */
export async function buildSidecar(directory: string): Promise<Bundle> {
  await rm(directory, { recursive: true, force: true });
  const sources = new Set([SIDECAR_ENTRY]);
  // Grows during the iteration: bundling a source finds the modules that it loads on demand.
  const metafile: Metafile = { inputs: {}, outputs: {} };
  for (const source of sources) {
    const { inputs, outputs } = await bundleSource(source, directory, (found) => sources.add(found));
    Object.assign(metafile.inputs, inputs);
    Object.assign(metafile.outputs, outputs);
  }
  const names = await readdir(directory);
  return { sizes: Object.fromEntries(names.map((name) => [name, statSync(join(directory, name)).size])), metafile };
}

async function bundleSource(source: string, directory: string, onDemand: (source: string) => void): Promise<Metafile> {
  const outfile = join(directory, bundleName(source));
  const { metafile } = await build({
    entryPoints: [source],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node26",
    // import() becomes require(), because a real import() would start the ES module loader.
    supported: { "dynamic-import": false },
    minify: true,
    metafile: true,
    // gRPC loads it only for channelz and ORCA reports, which podrole does not use.
    external: ["@grpc/proto-loader"],
    legalComments: "none",
    logLevel: "warning",
    plugins: [externalizeDynamicImports(onDemand)],
  });
  await addCodeCache(outfile);
  return metafile;
}

/** Replaces each `import()` of a source file by a require of its own bundle at run time. */
function externalizeDynamicImports(onDemand: (source: string) => void): Plugin {
  return {
    name: "externalize-dynamic-imports",
    setup(bundler) {
      bundler.onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer, kind }) => {
        if (kind !== "dynamic-import") return undefined;
        const source = join(dirname(importer), path);
        onDemand(source);
        return { path: `./${bundleName(source)}`, external: true };
      });
    },
  };
}

function bundleName(source: string): string {
  return basename(source).replace(/\.ts$/, ".cjs");
}
