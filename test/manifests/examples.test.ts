// The applications of manifests/examples as their readers run them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { createTemporaryDirectory } from "../temporary-files.ts";

const FILE = join(import.meta.dirname, "../../manifests/examples/app.yaml");

suite("manifests/examples/app.yaml", () => {
  test("ends with exit code 0 on SIGTERM, which the first process of a container ignores without a trap", async (context) => {
    const documents = parseAllDocuments(await readFile(FILE, "utf8")).map((document) => document.toJS() as unknown);
    const deployment = documents.at(-1) as { spec: { template: { spec: { containers: { command: string[] }[] } } } };
    const [file = "", ...args] = deployment.spec.template.spec.containers[0]?.command ?? [];
    const directory = createTemporaryDirectory(context);
    await writeFile(join(directory, "aws"), "#!/bin/sh\necho called\n");
    await chmod(join(directory, "aws"), 0o755);
    const child = spawn(file, args, {
      env: { PATH: `${directory}${delimiter}/bin${delimiter}/usr/bin` },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    // The sleep that it leaves behind belongs to its group; in a container it ends with the first process.
    context.after(() => {
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // It has ended.
      }
    });
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});
