// The code caches in the sidecar's image: V8 silently ignores one that it rejects, so only a test notices.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { buildSidecar } from "../../scripts/build-sidecar.ts";
import { VERSION } from "../../src/runtime/version.ts";
import { renewalFlags } from "../../src/sidecar/node-flags.ts";
import { readText } from "../files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

const directory = createTemporaryDirectory({ after });

const [first, second] = [join(directory, "first"), join(directory, "second")];
await buildSidecar(first);

/** Node's flags in the sidecar's image. */
function entrypointFlags(): string[] {
  const text = /^ENTRYPOINT (.*)$/m.exec(readText("Dockerfile.sidecar"))?.[1] ?? "[]";
  return (JSON.parse(text) as string[]).filter((argument) => argument.startsWith("--"));
}

/** Whether V8 rejects the module's cache in a process with these flags. */
function isRejected(name: string, flags: readonly string[]): boolean {
  const code = `
    const { readFileSync } = require("node:fs");
    const file = process.argv[1];
    const source = require("node:module").wrap(readFileSync(file, "utf8"));
    const cachedData = readFileSync(file + ".cache");
    console.log(new (require("node:vm").Script)(source, { filename: file, cachedData }).cachedDataRejected);
  `;
  const run = spawnSync(process.execPath, [...flags, "--eval", code, join(first, name)], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trim() === "true";
}

const PROGRAM_NAMES = ["init", "serve", "wait", "renew", "print"];

test("writeCodeCache() makes caches that V8 accepts with the flags of the processes that load them", () => {
  for (const program of PROGRAM_NAMES) assert.equal(isRejected(`${program}.js`, entrypointFlags()), false, program);
  assert.equal(isRejected("renew.js", renewalFlags(entrypointFlags())), false);
  assert.equal(isRejected("renew.js", ["--lite-mode"]), true, "so the test can fail");
});

test("writeCodeCache() leaves a program that runs where V8 rejects the cache, and where there is none", () => {
  const version = (...flags: readonly string[]) =>
    spawnSync(process.execPath, [...flags, join(first, "main.cjs"), "version"], { encoding: "utf8" }).stdout;
  const expected = `podrole ${VERSION}\n`;
  assert.equal(version(), expected);
  assert.equal(version("--lite-mode"), expected);
  writeFileSync(join(first, "print.js.cache"), "no cache");
  assert.equal(version(), expected);
  rmSync(join(first, "print.js.cache"));
  assert.equal(version(), expected);
});

test("buildSidecar() writes the same bytes twice", async () => {
  await buildSidecar(first);
  await buildSidecar(second);
  const names = readdirSync(first);
  assert.ok(names.includes("renew.js.cache"));
  assert.deepEqual(readdirSync(second), names);
  for (const name of names) assert.ok(readFileSync(join(first, name)).equals(readFileSync(join(second, name))), name);
});
