// V8's code cache of a bundle: its functions compiled in advance, so that a short-lived process neither parses nor
// compiles half a megabyte of source at each start. V8 rejects a cache of another version, architecture or set of
// flags, and then compiles the source as if there were none. (https://nodejs.org/api/vm.html#scriptcreatecacheddata)
import { spawnSync } from "node:child_process";

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

/** Statements of a CommonJS module that run the module `file`, a variable of theirs, with its cache or without one. */
export const RUN_WITH_CACHE = `
const { readFileSync } = require("node:fs");
let cachedData;
try { cachedData = readFileSync(file + ".cache"); } catch {}
const source = require("node:module").wrap(readFileSync(file, "utf8"));
new (require("node:vm").Script)(source, { filename: file, cachedData })
  .runInThisContext()(exports, require, module, file, __dirname);
`;

/**
 * Writes the code cache of the CommonJS module NAME.js to NAME.js.cache. Two builds make the same bytes. Throws if Node
 * cannot compile the module.
 */
export function writeCodeCache(file: string): void {
  // Without a fixed seed, the caches of two builds differ.
  const { status, stderr } = spawnSync(process.execPath, ["--random-seed=1", "--eval", COMPILE_SCRIPT, file], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot compile ${file}: ${stderr}; expected a script that V8 accepts`);
}
