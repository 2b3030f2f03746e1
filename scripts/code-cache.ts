// V8's code cache of a bundle: its functions compiled in advance, so that a short-lived process neither parses nor
// compiles half a megabyte of source at each start. V8 rejects a cache of another version, architecture or set of
// flags, and then compiles the source as if there were none. (https://nodejs.org/api/vm.html#scriptcreatecacheddata)
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";

/** Below this size, reading a cache costs more than compiling. Bytes. */
const MIN_CACHED_BYTES = 100_000;

/** Compiles every function of the module argv[1] and writes the cache beside it. */
const COMPILE_SCRIPT = `
const { readFileSync, writeFileSync } = require("node:fs");
const { setFlagsFromString } = require("node:v8");
const [, file] = process.argv;
setFlagsFromString("--no-lazy");
const script = new (require("node:vm").Script)(require("node:module").wrap(readFileSync(file, "utf8")));
setFlagsFromString("--lazy");
writeFileSync(file + ".cache", script.createCachedData());
`;

/** What stands in the module's place: it runs the module with its cache, or without one. */
function stubSource(name: string): string {
  return `"use strict";
const { readFileSync } = require("node:fs");
const file = __dirname + "/${name}";
let cachedData;
try { cachedData = readFileSync(file + ".cache"); } catch {}
const source = require("node:module").wrap(readFileSync(file, "utf8"));
new (require("node:vm").Script)(source, { filename: file, cachedData })
  .runInThisContext()(exports, require, module, file, __dirname);
`;
}

/**
 * Adds a code cache to a CommonJS bundle if it is large: NAME.cjs becomes a stub that runs NAME.js with NAME.js.cache.
 * Two builds make the same bytes. Throws if Node cannot compile the bundle.
 */
export async function addCodeCache(bundle: string): Promise<void> {
  if (statSync(bundle).size < MIN_CACHED_BYTES) return;
  const source = bundle.replace(/\.cjs$/, ".js");
  await rename(bundle, source);
  // Without a fixed seed, the caches of two builds differ.
  const { status, stderr } = spawnSync(process.execPath, ["--random-seed=1", "--eval", COMPILE_SCRIPT, source], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot compile ${source}: ${stderr}; expected a script that V8 accepts`);
  await writeFile(bundle, stubSource(source.slice(source.lastIndexOf("/") + 1)));
}
