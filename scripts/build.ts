// npm run build: builds the bundles of the images, dist/server (the whole command line), dist/sidecar and dist/try, and
// the folder of the npm package, dist/package.
import { join } from "node:path";
import { buildServer, buildTry } from "./build-command-line.ts";
import { buildPackage } from "./build-package.ts";
import { buildSidecar } from "./build-sidecar.ts";
import { startScript } from "./command-line/start-script.ts";
import { addLegalFiles } from "./third-party.ts";

const DIST = join(import.meta.dirname, "../dist");

function printSizes(name: string, sizes: Readonly<Record<string, number>>): void {
  const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
  const largest = Object.entries(sizes)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([file, bytes]) => `${file} ${formatKilobytes(bytes)}`);
  console.log(`${name}: ${formatKilobytes(total)} in ${Object.keys(sizes).length} files; ${largest.join(", ")}`);
}

function formatKilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}

startScript("build");
const server = await buildServer(join(DIST, "server"));
await addLegalFiles(join(DIST, "server"), server);
printSizes("dist/server", server.sizes);
const sidecarBundle = await buildSidecar(join(DIST, "sidecar"));
await addLegalFiles(join(DIST, "sidecar"), sidecarBundle);
printSizes("dist/sidecar", sidecarBundle.sizes);
const tried = await buildTry(join(DIST, "try"));
await addLegalFiles(join(DIST, "try"), tried);
printSizes("dist/try", tried.sizes);
printSizes("dist/package", (await buildPackage(join(DIST, "package"))).sizes);
