import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { runVerifications } from "../../scripts/release/verification.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

suite("runVerifications()", () => {
  const [succeeds, fails] = [
    [process.execPath, "--eval", "console.log('fine')"],
    [process.execPath, "--eval", "console.error('bad signature'); process.exit(1)"],
  ] as const;
  async function printed(
    context: TestContext,
    ...verifications: Parameters<typeof runVerifications>[0]
  ): Promise<readonly string[]> {
    const lines: string[] = [];
    // Of the checkout's own files none is in it, so that paths are printed as they are.
    await runVerifications(verifications, {
      cwd: createTemporaryDirectory(context),
      print: (line) => lines.push(line),
    });
    return lines;
  }

  test("prints each command with its output, and why a command has to fail", async (context) => {
    const lines = await printed(
      context,
      { command: [...succeeds], expected: "accepted" },
      { command: [...fails], expected: "refused", because: "the key is another one" },
    );
    assert.deepEqual(lines, [
      `$ ${succeeds.join(" ")}`,
      "fine",
      `$ ${fails.join(" ")}`,
      "refused, as it has to be, because the key is another one: bad signature",
    ]);
  });

  test("throws if a command fails that has to succeed, and if one succeeds that has to fail", async (context) => {
    await assert.rejects(printed(context, { command: [...fails], expected: "accepted" }), /expected it to be accepted/);
    await assert.rejects(
      printed(context, { command: [...succeeds], expected: "refused" }),
      /expected it to be refused/,
    );
  });
});
