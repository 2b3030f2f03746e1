// The applications of manifests/examples as their readers run them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { readText } from "../files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

const FILE = join(import.meta.dirname, "../../manifests/examples/app.yaml");

suite("manifests/examples/check-account.yaml", () => {
  const rulesIn = (text: string) => [...text.matchAll(/^rules:\n((?: .*\n)+)/gm)].map(([, rules]) => rules);

  test("gives podrole check in the cluster the permissions that helm test gives it", () => {
    const example = rulesIn(readText("manifests/examples/check-account.yaml"));
    assert.equal(example.length, 2);
    assert.deepEqual(example, rulesIn(readText("manifests/chart/templates/tests/check.yaml")));
  });

  test("permits nothing but reading, and asking what the caller may do", () => {
    const verbs = rulesIn(readText("manifests/examples/check-account.yaml"))
      .join("")
      .matchAll(/verbs: \[(.*?)\]/g);
    assert.deepEqual(
      new Set([...verbs].flatMap(([, list = ""]) => list.split(", "))),
      new Set(["get", "list", "create"]),
    );
    assert.doesNotMatch(readText("manifests/examples/check-account.yaml"), /secrets/);
  });
});

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
