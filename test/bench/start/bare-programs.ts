// Programs that do a sidecar's part of a start without podrole, bundled and with a code cache as the sidecar's: a
// server of node:http, and one call by grpc-js. A start cannot cost less than both of them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { RUN_WITH_CACHE, writeCodeCache } from "../../../scripts/code-cache.ts";

/** Paths of CommonJS modules. */
export interface BarePrograms {
  readonly server: string;
  readonly call: string;
}

/** Writes both programs into the directory. */
export async function buildBarePrograms(directory: string): Promise<BarePrograms> {
  return {
    server: await buildBareProgram(join(import.meta.dirname, "../sidecar/bare.ts"), join(directory, "server")),
    call: await buildBareProgram(join(import.meta.dirname, "bare-call.ts"), join(directory, "call")),
  };
}

async function buildBareProgram(source: string, path: string): Promise<string> {
  const options = { bundle: true, minify: true, format: "cjs", platform: "node", target: "node26" } as const;
  const [entry, file] = [`${path}.cjs`, `${path}.js`];
  await build({ ...options, entryPoints: [source], outfile: file, external: ["@grpc/proto-loader"] });
  writeCodeCache(file);
  writeFileSync(entry, `"use strict";\nconst file = ${JSON.stringify(file)};${RUN_WITH_CACHE}`);
  return entry;
}
