import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readMemoryFile, replaceMemoryFile } from "../../../src/sidecar/files/memory-volume.ts";

test("replaceMemoryFile() replaces a directory in the place of the file, and one in that of its temporary file", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "podrole-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "token");
  await mkdir(join(path, "below"), { recursive: true });
  await mkdir(join(directory, "token.tmp", "below"), { recursive: true });
  assert.equal(readMemoryFile(path), undefined);
  replaceMemoryFile(path, "content", 0o444);
  assert.equal(readMemoryFile(path), "content");
  assert.equal(statSync(path).mode & 0o777, 0o444);
});
