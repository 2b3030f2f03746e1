// Runs a program that serves the page of podrole ui until it is stopped, and reads the page as a browser does.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "../../emulators/until.ts";

const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//;

/** Where the program runs. */
interface ProgramPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Resolves when the page, its files and a reading of the cluster were served, and the program has ended after SIGINT
 * with exit code 0; rejects with an AssertionError otherwise.
 */
export async function assertPageIsServed(command: string, args: readonly string[], place: ProgramPlace): Promise<void> {
  const program = spawn(command, args, { ...place, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(program, "exit") as Promise<[number | null]>;
  let written = "";
  for (const stream of [program.stdout, program.stderr])
    stream.on("data", (chunk: Buffer) => (written += chunk.toString()));
  try {
    const isServed = () => ADDRESS.test(written) || program.exitCode !== null;
    await until(isServed, "the program prints the address of the page", { timeoutMs: 100_000 });
    const address = ADDRESS.exec(written)?.[0];
    assert.ok(address, written);
    for (const [path, type, content] of [
      ["", "text/html", /<script src="ui\.js" defer>/],
      ["ui.js", "text/javascript", /Identity map/],
      ["ui.css", "text/css", /\.drawing/],
      ["data/snapshot", "application/json", /"installation"/],
    ] as const) {
      const response = await fetch(`${address}${path}`);
      assert.equal(response.status, 200, path);
      assert.ok(response.headers.get("content-type")?.startsWith(type), path);
      assert.match(await response.text(), content, path);
    }
  } finally {
    program.kill("SIGINT");
  }
  assert.deepEqual((await exited)[0], 0, written);
}
