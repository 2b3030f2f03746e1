// npm run test:one -- 'name': runs the tests whose names match a regular expression. Starts only files whose text
// matches, which takes a second instead of a minute; if none does, it starts every file, because names can be built at
// run time.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { startScript } from "./command-line/start-script.ts";

const [pattern = "", ...given] = startScript("test:one").args;
const name = new RegExp(pattern);
/** A name stands within a line of its file, so the ends of the name are not those of the text. */
const namePattern = new RegExp(pattern.replaceAll(/^\^|(?<!\\)\$$/g, ""));
const all = globSync(["test/!(attack|cluster|sdk|bench|package)/**/*.test.ts", "test/*.test.ts"]);
const matching = all.filter((file) => namePattern.test(readFileSync(file, "utf8")));
const files = given.length > 0 ? given : matching.length > 0 ? matching : all;

const flags = ["--test", "--test-reporter=spec", "--test-timeout=120000", `--test-name-pattern=${pattern}`];
const child = spawn(process.execPath, [...flags, ...files], { stdio: ["ignore", "pipe", "inherit"] });
let ran = false;
createInterface(child.stdout).on("line", (line) => {
  // A file in which no test matches is reported as one that passed.
  if (!/^✔ \S+\.test\.ts \([\d.]+ms\)$/.test(line)) console.log(line);
  // "  ✔ name (1.2ms)". Files without a match pass too, so the names decide.
  const found = /^\s*[✔✖] (.*?)(?: \([\d.]+ms\))?$/.exec(line)?.[1];
  ran ||= found !== undefined && name.test(found);
});
const [status] = (await once(child, "close")) as [number | null];
if (!ran) console.error(`Cannot run a test: no name matches "${pattern}"; expected part of a test's name`);
process.exitCode = ran ? (status ?? 1) : 1;
