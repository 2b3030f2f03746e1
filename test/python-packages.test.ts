// The Python packages of the SDK tests: pip installs only files whose hash the repository has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readText } from "./files.ts";

test("Python packages are pinned by hash, and pip requires that", () => {
  const unpinned = (text: string) =>
    text
      .replaceAll("\\\n", " ")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .filter((line) => !/^[\w-]+==[\w.]+(?: +--hash=sha256:[0-9a-f]{64})+$/.test(line));
  for (const project of ["python", "crt", "cpp"])
    assert.deepEqual(unpinned(readText(`test/sdk/${project}/requirements.txt`)), [], project);
  assert.deepEqual(unpinned("six==1.17.0\n"), ["six==1.17.0"]);
  assert.match(readText("test/sdk/setup.ts"), /"--require-hashes"/);
});
