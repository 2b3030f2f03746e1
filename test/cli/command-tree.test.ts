import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CommanderError } from "commander";
import { createProgram } from "../../src/cli/command-tree.ts";
import type { Action } from "../../src/cli/terminal.ts";
import { flagName, type Setting } from "../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { createTerminal } from "./terminal.ts";

async function run(args: readonly string[]) {
  const terminal = createTerminal();
  const called: { name: string; flags: Readonly<Record<string, string>>; args: readonly string[] }[] = [];
  const action =
    (name: string): Action =>
    async (_terminal, flags, rest) => {
      called.push({ name, flags, args: rest });
      return 7;
    };
  const exitCodes: number[] = [];
  const names = ["server", "webhook", "sidecar", "inject", "audit", "demo", "migrate", "rotate"];
  const actions = Object.fromEntries(names.map((name) => [name, action(name)])) as unknown as Parameters<
    typeof createProgram
  >[1];
  const program = createProgram(terminal, actions, (exitCode) => exitCodes.push(exitCode));
  const failure = await program.parseAsync(args, { from: "user" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { ...terminal.said, called, exitCodes, failure };
}

suite("createProgram()", () => {
  test("passes flags as text to the command, and its exit code on", async () => {
    const { called, exitCodes } = await run([
      "server",
      ...["--region", "eu-central-1", "--role-base-arn-autodetect", "--no-json-log"],
    ]);
    assert.deepEqual(called, [
      {
        name: "server",
        flags: { region: "eu-central-1", roleBaseArnAutodetect: "true", jsonLog: "false" },
        args: [],
      },
    ]);
    assert.deepEqual(exitCodes, [7]);
  });

  test("sets no default, so that the environment still counts", async () => {
    const { called } = await run(["server"]);
    assert.deepEqual(called[0]?.flags, {});
  });

  test("prints a flag for every setting", async () => {
    const { out } = await run(["server", "--help"]);
    for (const key of Object.keys(SERVER_SETTINGS)) assert.ok(out().includes(`--${flagName(key)} `), key);
  });

  test("shows the default of every setting in one form, also of those that are optional or empty", async () => {
    const { out } = await run(["server", "--help"]);
    for (const shown of [
      "PODROLE_SESSION_DURATION (default: 1h)",
      "PODROLE_REGION (default: the region that the AWS SDK finds)",
      "PODROLE_ASSUME_ROLE_ARN (default: none)",
    ]) {
      assert.ok(out().includes(shown), shown);
    }
  });

  test("groups commands by who runs them, operators' commands first", async () => {
    const { out } = await run(["--help"]);
    const place = (text: string) => {
      const at = out().indexOf(text);
      assert.notEqual(at, -1, text);
      return at;
    };
    const places = [
      "Operate podrole:",
      "  check ",
      "  audit ",
      "Migrate:",
      "  migrate ",
      "Manifests, without the webhook:",
      "  inject ",
      "Programs that the manifests start:",
      "  server ",
    ];
    assert.deepEqual(
      places.map(place),
      places.map(place).toSorted((a, b) => a - b),
    );
  });

  for (const [command, table] of [
    ["server", SERVER_SETTINGS],
    ["webhook", WEBHOOK_SETTINGS],
  ] as const) {
    test(`groups the settings of the ${command} below headings, each heading once`, async () => {
      const { out } = await run([command, "--help"]);
      const headings = [...out().matchAll(/^(\S.*:)$/gm)].map(([, heading]) => heading);
      assert.deepEqual(headings, [...new Set(headings)]);
      for (const [key, { group }] of Object.entries<Setting<unknown>>(table)) {
        assert.ok(group !== undefined && headings.includes(group), `${key} has no heading`);
        const [before = ""] = out().split(`  --${flagName(key)} `);
        assert.equal(before.match(/^(\S.*:)$/gm)?.at(-1), group, key);
      }
    });
  }

  test("prints placeholders that say which values a flag accepts", async () => {
    const { out } = await run(["server", "--help"]);
    for (const flag of [
      "--session-duration <duration>",
      "--bind <host:port>",
      "--assume-role-arn <arn>",
      "--ca-cert <file>",
      "--ca-secret <namespace/name>",
      "--allowed-roles-format <glob|regexp>",
      "--sts-rate <number>",
      "--fips [true|false]",
    ]) {
      assert.ok(out().includes(flag), flag);
    }
  });

  test("leaves the arguments of the sidecar to the sidecar", async () => {
    const { called } = await run(["sidecar", "serve", "--port", "0"]);
    assert.equal(called[0]?.name, "sidecar");
    assert.deepEqual(called[0]?.args, ["serve", "--port", "0"]);
  });

  test("passes the name of a subcommand on as the first argument", async () => {
    const { called } = await run(["migrate", "kiam", "--waves", "3"]);
    assert.deepEqual(called, [{ name: "migrate", flags: { waves: "3" }, args: ["kiam"] }]);
    assert.deepEqual((await run(["audit", "pod", "shop/orders"])).called[0]?.args, ["pod", "shop/orders"]);
    assert.deepEqual((await run(["rotate", "prepare", "--force"])).called[0]?.args, ["prepare"]);
  });

  test("names the subcommand in errors of its command line", async () => {
    assert.match((await run(["rotate", "status", "--force"])).err(), /^podrole rotate status: unknown option/);
    assert.match((await run(["audit", "who"])).err(), /^podrole audit who: required option/);
  });

  test("accepts -f several times, with one or several files", async () => {
    const { called } = await run(["migrate", "kiam", "-f", "a.yaml", "b.yaml", "-f", "c.yaml"]);
    assert.deepEqual(called[0]?.flags, { filename: "a.yaml\nb.yaml\nc.yaml" });
  });

  for (const args of [
    ["serve"],
    ["server", "--regoin", "x"],
    ["inject", "--trust-bunlde", "ca.pem"],
    ["migrate", "kiam", "--cluster-name", "prod"],
    ["migrate", "irsa", "--waves", "2"],
    ["rotate", "status", "--force"],
  ]) {
    test(`refuses podrole ${args.join(" ")} and runs nothing`, async () => {
      const { called, failure, err } = await run(args);
      assert.ok(failure instanceof CommanderError && failure.exitCode !== 0);
      assert.deepEqual(called, []);
      assert.match(err(), /^podrole(?: \w+)*: .*\n[^]*add --help to the command/);
    });
  }
});
