// npm run build: builds the bundles for the images. dist/server is the whole command line, split so that each command loads
// only its own part; dist/sidecar is the sidecar (build-sidecar.ts). Neither needs node_modules.
import { rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { build, type Plugin } from "esbuild";
import { buildSidecar } from "./build-sidecar.ts";

const ROOT = join(import.meta.dirname, "..");

/** CommonJS packages inside an ES module bundle load Node's own modules with require. */
const REQUIRE =
  'import{createRequire as podroleRequire}from"node:module";const require=podroleRequire(import.meta.url);';

/** Replaces the demo, which needs the emulators and the sources of the other programs; images contain neither. */
const NO_DEMO = `
  export const demo = async ({ err }) => {
    err("Cannot run podrole demo: this is a bundle; expected a checkout of podrole, with npm run demo\\n");
    return 1;
  };
`;

const withoutDemo: Plugin = {
  name: "without-demo",
  setup(bundler) {
    bundler.onResolve({ filter: /\/demo\/demo\.ts$/ }, ({ path }) => ({ path, namespace: "without-demo" }));
    bundler.onLoad({ filter: /.*/, namespace: "without-demo" }, () => ({ contents: NO_DEMO, loader: "js" }));
  },
};

/** Resolves with the sizes of the written files, in bytes, by name. */
async function buildServer(directory: string): Promise<Readonly<Record<string, number>>> {
  await rm(directory, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: { podrole: join(ROOT, "src/cli/main.ts") },
    outdir: directory,
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node26",
    minify: true,
    // The log includes the class names of errors.
    keepNames: true,
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
    banner: { js: REQUIRE },
    plugins: [withoutDemo],
  });
  // In the image no package.json above declares the module type of these files.
  await writeFile(join(directory, "package.json"), '{ "type": "module" }\n');
  const sizes = Object.entries(metafile.outputs).map(
    ([file, { bytes }]) => [relative(directory, join(ROOT, file)), bytes] as const,
  );
  return Object.fromEntries(sizes);
}

function print(name: string, sizes: Readonly<Record<string, number>>): void {
  const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
  const largest = Object.entries(sizes)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([file, bytes]) => `${file} ${kilobytes(bytes)}`);
  console.log(`${name}: ${kilobytes(total)} in ${Object.keys(sizes).length} files; ${largest.join(", ")}`);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}

print("dist/server", await buildServer(join(ROOT, "dist/server")));
print("dist/sidecar", await buildSidecar(join(ROOT, "dist/sidecar")));
