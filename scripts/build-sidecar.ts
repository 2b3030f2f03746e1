// Bundles the sidecar into dist/sidecar: main.cjs, which every start reads, and one file for each module that is loaded
// on demand. So the process that serves never holds the half megabyte of gRPC and X.509 that init and renewals need.
// CommonJS, because Node's loader of ES modules costs 6 MB of private memory in each process; esbuild splits only ES
// modules, so these bundles share nothing.
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const ENTRY = join(ROOT, "src/sidecar/main.ts");

/** Resolves with the sizes of the files written, in bytes, by name. */
export async function buildSidecar(
  directory: string = join(ROOT, "dist/sidecar"),
): Promise<Readonly<Record<string, number>>> {
  await rm(directory, { recursive: true, force: true });
  const sizes: Record<string, number> = {};
  const sources = new Set([ENTRY]);
  // Grows while it is walked: a bundle tells which others it asks for.
  for (const source of sources) sizes[nameOf(source)] = await bundle(source, directory, (found) => sources.add(found));
  return sizes;
}

async function bundle(source: string, directory: string, onDemand: (source: string) => void): Promise<number> {
  const { metafile } = await build({
    entryPoints: [source],
    outfile: join(directory, nameOf(source)),
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node26",
    // Turned into require(): a real import() would load the loader of ES modules after all.
    supported: { "dynamic-import": false },
    minify: true,
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
    plugins: [leaveAside(onDemand)],
  });
  return Object.values(metafile.outputs)[0]?.bytes ?? 0;
}

/** Leaves `import()` of serve.ts to run time, as a require of the bundle beside. */
function leaveAside(onDemand: (source: string) => void): Plugin {
  return {
    name: "leave-aside",
    setup(bundler) {
      bundler.onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer, kind }) => {
        if (kind !== "dynamic-import") return undefined;
        const source = join(dirname(importer), path);
        onDemand(source);
        return { path: `./${nameOf(source)}`, external: true };
      });
    },
  };
}

function nameOf(source: string): string {
  return basename(source).replace(/\.ts$/, ".cjs");
}
