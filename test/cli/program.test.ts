import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CommanderError } from "commander";
import { createProgram } from "../../src/cli/program.ts";
import type { Action } from "../../src/cli/terminal.ts";
import { SERVER_SETTINGS } from "../../src/server/settings.ts";
import { flagName } from "../../src/runtime/settings.ts";
import { createTerminal } from "./terminal.ts";

async function run(words: readonly string[]) {
  const terminal = createTerminal();
  const called: { name: string; flags: Readonly<Record<string, string>>; words: readonly string[] }[] = [];
  const action =
    (name: string): Action =>
    async (_terminal, flags, rest) => {
      called.push({ name, flags, words: rest });
      return 7;
    };
  const exitCodes: number[] = [];
  const names = ["server", "webhook", "sidecar", "inject", "audit", "demo"];
  const actions = Object.fromEntries(names.map((name) => [name, action(name)])) as unknown as Parameters<
    typeof createProgram
  >[1];
  const program = createProgram(terminal, actions, (exitCode) => exitCodes.push(exitCode));
  const failure = await program.parseAsync(words, { from: "user" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { ...terminal.said, called, exitCodes, failure };
}

suite("createProgram()", () => {
  test("gives a command its flags as texts, and its exit code on", async () => {
    const { called, exitCodes } = await run([
      "server",
      ...["--region", "eu-central-1", "--role-base-arn-autodetect", "--no-json-log"],
    ]);
    assert.deepEqual(called, [
      {
        name: "server",
        flags: { region: "eu-central-1", roleBaseArnAutodetect: "true", jsonLog: "false" },
        words: [],
      },
    ]);
    assert.deepEqual(exitCodes, [7]);
  });

  test("sets no default, so that the environment can still speak", async () => {
    const { called } = await run(["server"]);
    assert.deepEqual(called[0]?.flags, {});
  });

  test("shows a flag for every setting", async () => {
    const { out } = await run(["server", "--help"]);
    for (const key of Object.keys(SERVER_SETTINGS)) assert.ok(out().includes(`--${flagName(key)} `), key);
  });

  test("groups commands by who runs them, what people run first", async () => {
    const { out } = await run(["--help"]);
    const place = (text: string) => {
      const at = out().indexOf(text);
      assert.notEqual(at, -1, text);
      return at;
    };
    const places = [
      "What people run:",
      "  check ",
      "  audit ",
      "In a pipeline",
      "  inject ",
      "The programs",
      "  server ",
    ];
    assert.deepEqual(
      places.map(place),
      places.map(place).toSorted((a, b) => a - b),
    );
  });

  test("says of a flag only what the environment's variable has too", async () => {
    const { out } = await run(["server", "--help"]);
    assert.doesNotMatch(out(), /preset/);
  });

  test("leaves the words of the sidecar to the sidecar", async () => {
    const { called } = await run(["sidecar", "serve", "--port", "0"]);
    assert.equal(called[0]?.name, "sidecar");
    assert.deepEqual(called[0]?.words, ["serve", "--port", "0"]);
  });

  for (const words of [["serve"], ["server", "--regoin", "x"], ["inject"]]) {
    test(`refuses podrole ${words.join(" ")} and runs nothing`, async () => {
      const { called, failure, err } = await run(words);
      assert.ok(failure instanceof CommanderError && failure.exitCode !== 0);
      assert.deepEqual(called, []);
      assert.match(err(), /^error: .*\n[^]*--help after the command/);
    });
  }
});
