// Bundles the sidecar into dist/sidecar: main.cjs, which every process starts with, loads the program of its mode, one
// file with a code cache (code-cache.ts). What only some pods use is a file of its own, loaded on demand. The serving
// process therefore never loads the half megabyte of gRPC and X.509 that init, the hook and renewals need.
// The format is CommonJS, because Node's ES module loader costs 6 MB of private memory in each process; esbuild splits
// only ES modules, so these bundles share no code.
import { statSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import type { Bundle } from "./bundle.ts";
import { RUN_WITH_CACHE, writeCodeCache } from "./code-cache.ts";
import { ROOT } from "./root.ts";

const SIDECAR_SOURCES = join(ROOT, "src/sidecar");
const SIDECAR_ENTRY = join(SIDECAR_SOURCES, "main.ts");

/** The modules that the programs of modes load by `import()` at their start. */
const LOADED_AT_START: Readonly<Record<string, readonly string[]>> = {
  init: ["init.ts"],
  serve: ["serve.ts"],
  wait: ["wait.ts", "renewal/hook-renewal.ts", "renewal/early-renewal.ts", "renewal/renew.ts"],
  renew: ["renewal/renew.ts"],
};
/** Modes that run the program of another one. */
const SHARED_PROGRAMS: Readonly<Record<string, string>> = { hold: "wait" };
/** The program of the modes that print something and end. */
const PRINTING_PROGRAM = "print";
const SIDECAR_PROGRAMS = { ...LOADED_AT_START, [PRINTING_PROGRAM]: ["help.ts"] };

/** Writes the bundle; removes what was in the directory. */
export async function buildSidecar(directory: string): Promise<Bundle> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const metafile: Metafile = { inputs: {}, outputs: {} };
  const onDemand = new Set<string>();
  async function bundle(source: string, name: string, inlined: readonly string[]): Promise<string> {
    const outfile = join(directory, name);
    const plugin = separateDynamicImports(inlined, (found) => onDemand.add(found));
    const { inputs, outputs } = await bundleSource(source, outfile, plugin);
    Object.assign(metafile.inputs, inputs);
    Object.assign(metafile.outputs, outputs);
    return outfile;
  }
  for (const [name, modules] of Object.entries(SIDECAR_PROGRAMS)) {
    writeCodeCache(await bundle(SIDECAR_ENTRY, `${name}.js`, modules));
  }
  // Grows during the iteration: bundling a source finds the modules that it loads on demand.
  for (const source of onDemand) await bundle(source, onDemandName(source), []);
  await writeFile(join(directory, "main.cjs"), entrySource());
  const names = await readdir(directory);
  return { sizes: Object.fromEntries(names.map((name) => [name, statSync(join(directory, name)).size])), metafile };
}

function entrySource(): string {
  return `"use strict";
const mode = (process.argv[2] ?? "").replace(/^--/, "");
const shared = ${JSON.stringify(SHARED_PROGRAMS)}[mode] ?? mode;
const program = ${JSON.stringify(Object.keys(LOADED_AT_START))}.includes(shared) ? shared : "${PRINTING_PROGRAM}";
const file = __dirname + "/" + program + ".js";${RUN_WITH_CACHE}`;
}

async function bundleSource(source: string, outfile: string, plugin: Plugin): Promise<Metafile> {
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
    plugins: [LAZY_ZLIB, plugin],
  });
  return metafile;
}

/** Delays `node:zlib`, which costs 5 ms to load: gRPC needs it for compressed messages only, and podrole has none. */
const LAZY_ZLIB: Plugin = {
  name: "lazy-zlib",
  setup(bundler) {
    bundler.onResolve({ filter: /^zlib$/ }, () => ({ path: "zlib", namespace: "lazy" }));
    bundler.onLoad({ filter: /^zlib$/, namespace: "lazy" }, () => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => require("node:zlib")[name] });`,
    }));
  },
};

/**
 * Leaves `inlined`, sources of the sidecar, in the bundle, and replaces each other `import()` of a source by a require
 * of its own bundle at run time. What the program of another mode contains gets no bundle: a process has one mode.
 */
function separateDynamicImports(inlined: readonly string[], onDemand: (source: string) => void): Plugin {
  const pathsOf = (modules: readonly string[]) => new Set(modules.map((module) => join(SIDECAR_SOURCES, module)));
  const [kept, ofPrograms] = [pathsOf(inlined), pathsOf(Object.values(SIDECAR_PROGRAMS).flat())];
  return {
    name: "separate-dynamic-imports",
    setup(bundler) {
      bundler.onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer, kind }) => {
        const source = join(dirname(importer), path);
        if (kind !== "dynamic-import" || kept.has(source)) return undefined;
        if (!ofPrograms.has(source)) onDemand(source);
        return { path: `./${onDemandName(source)}`, external: true };
      });
    },
  };
}

function onDemandName(source: string): string {
  return basename(source).replace(/\.ts$/, ".cjs");
}
