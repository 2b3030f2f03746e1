// Each script and suite that a person runs describes itself, and answers a wrong command line with one line.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { suite, test } from "node:test";
import packageJson from "../package.json" with { type: "json" };
import type { ScriptUsage } from "../scripts/command-line/options.ts";
import { SCRIPTS, type ScriptName } from "../scripts/command-line/scripts-table.ts";
import { commandOfScript, createScriptCommand } from "../scripts/command-line/start-script.ts";
import { ROOT } from "./files.ts";

const COMMANDS: Readonly<Record<string, string>> = packageJson.scripts;
const NAMES = Object.keys(SCRIPTS) as readonly ScriptName[];

/** Returns the arguments of node that start a script. */
function nodeArgsOf(name: ScriptName): readonly string[] {
  if (name.includes("/")) return [name];
  const [node, ...args] = COMMANDS[name]?.split(" ") ?? [];
  assert.equal(node, "node", `npm run ${name}`);
  return args;
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(name: ScriptName, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [...nodeArgsOf(name), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

suite("SCRIPTS", { concurrency: 4 }, () => {
  for (const name of NAMES) {
    const start = commandOfScript(name);

    test(`${start} prints its usage, options, needs and time with --help`, () => {
      let help = "";
      createScriptCommand(name)
        .configureOutput({ writeOut: (text) => void (help += text) })
        .outputHelp();
      assert.ok(help.startsWith(`Usage: ${start}`), help);
      assert.match(help, /^Needs: .+^Time: /ms);
      const { options = {} }: ScriptUsage = SCRIPTS[name];
      for (const { flags } of Object.values(options)) assert.ok(help.includes(`  ${flags}`), help);
    });

    test(`${start} answers an unknown option with one line and exit code 2`, async () => {
      const { code, out, err } = await run(name, ["--no-such-option"]);
      assert.deepEqual({ code, out }, { code: 2, out: "" });
      assert.match(err, /^Cannot run [^\n]*unknown option '--no-such-option'[^\n]*--help[^\n]*\n$/);
    });
  }

  test("has a row for each script of package.json that is a file of the project", () => {
    const own = Object.entries(COMMANDS).filter(([, command]) =>
      /^node [^']*(?:scripts|site|test)\/\S+\.ts$/.test(command),
    );
    assert.deepEqual(own.map(([name]) => name).toSorted(), NAMES.filter((name) => !name.includes("/")).toSorted());
  });
});

suite("startScript()", () => {
  test("startScript() prints the help on standard output and ends with exit code 0", async () => {
    const { code, out, err } = await run("test:mutations", ["--help"]);
    assert.deepEqual({ code, err }, { code: 0, err: "" });
    assert.match(out, /^Usage: npm run test:mutations -- .*--row <text>.*^Time: 1 minute$/ms);
  });

  const wrong = [
    ["test:mutations", ["--row"], /'--row <text>' argument missing/],
    ["fuzz", ["--inputs", "many"], /'many' is invalid\. Expected a whole number from 1 to /],
    ["fuzz", ["--input", "1"], /unknown option '--input' \(Did you mean --inputs\?\)/],
    ["simulate", ["--days", "0"], /'0' is invalid\. Expected a number above 0/],
    ["test:cluster", ["--only", "nodes"], /'nodes' is invalid\. Expected one of control-plane, chart, node/],
    ["generate", ["docs"], /too many arguments/],
    ["test:one", [], /missing required argument 'pattern'/],
  ] as const;
  for (const [name, args, expected] of wrong) {
    test(`startScript() refuses ${name} ${args.join(" ")} with one line`, async () => {
      const { code, out, err } = await run(name, args);
      assert.deepEqual({ code, out, lines: err.trim().split("\n").length }, { code: 2, out: "", lines: 1 });
      assert.match(err, expected);
    });
  }

  test("startScript() names what the machine lacks, with the package that has it, before it starts anything", async () => {
    const { code, out, err } = await run("test:alerts", [], { PATH: "/nowhere" });
    assert.deepEqual({ code, out }, { code: 2, out: "" });
    assert.equal(err, "Cannot run npm run test:alerts: this machine lacks promtool (Debian: prometheus)\n");
  });
});
