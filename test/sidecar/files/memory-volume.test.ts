import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readMemoryFile, replaceMemoryFile } from "../../../src/sidecar/files/memory-volume.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";

test("replaceMemoryFile() replaces a directory in the place of the file, and one in that of its temporary file", async (t) => {
  const directory = createTemporaryDirectory(t);
  const path = join(directory, "token");
  await mkdir(join(path, "below"), { recursive: true });
  await mkdir(join(directory, "token.tmp", "below"), { recursive: true });
  assert.equal(readMemoryFile(path), undefined);
  replaceMemoryFile(path, "content", 0o444);
  assert.equal(readMemoryFile(path), "content");
  assert.equal(statSync(path).mode & 0o777, 0o444);
});
