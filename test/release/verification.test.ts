import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { suite, test } from "node:test";
import { runVerifications } from "../../scripts/release/verification.ts";

suite("runVerifications()", () => {
  const [succeeds, fails] = [
    [process.execPath, "--eval", "console.log('fine')"],
    [process.execPath, "--eval", "console.error('bad signature'); process.exit(1)"],
  ] as const;
  async function printed(...verifications: Parameters<typeof runVerifications>[0]): Promise<readonly string[]> {
    const lines: string[] = [];
    await runVerifications(verifications, { cwd: tmpdir(), print: (line) => lines.push(line) });
    return lines;
  }

  test("prints each command with its output, and why a command has to fail", async () => {
    const lines = await printed(
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

  test("throws if a command fails that has to succeed, and if one succeeds that has to fail", async () => {
    await assert.rejects(printed({ command: [...fails], expected: "accepted" }), /expected it to be accepted/);
    await assert.rejects(printed({ command: [...succeeds], expected: "refused" }), /expected it to be refused/);
  });
});
