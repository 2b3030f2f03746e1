// Files on a real file system, with readers and failures beside the writer.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { umask } from "node:process";
import { type TestContext, test } from "node:test";
import { readIfPresent, writeAtomically } from "../../src/runtime/files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

async function directoryFor(t: TestContext): Promise<string> {
  const directory = createTemporaryDirectory(t);
  return directory;
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test("writeAtomically() creates a file with the mode whatever the umask is, and leaves no other file", async (t) => {
  const directory = await directoryFor(t);
  const before = umask(0o077);
  t.after(() => umask(before));
  for (const mode of [0o600, 0o644]) {
    const path = join(directory, mode.toString(8));
    await writeAtomically(path, "content", mode);
    assert.equal(await readFile(path, "utf8"), "content");
    assert.equal(await modeOf(path), mode);
  }
  assert.deepEqual((await readdir(directory)).toSorted(), ["600", "644"]);
});

test("writeAtomically() replaces content and mode of a file that exists", async (t) => {
  const path = join(await directoryFor(t), "key.pem");
  await writeFile(path, "a longer old content", { mode: 0o644 });
  await writeAtomically(path, "new", 0o600);
  assert.equal(await readFile(path, "utf8"), "new");
  assert.equal(await modeOf(path), 0o600);
});

test("writeAtomically() shows readers one complete content at each time, while two writers compete", async (t) => {
  const directory = await directoryFor(t);
  const path = join(directory, "file");
  const contents = ["a", "b"].map((letter) => letter.repeat(100_000));
  await writeAtomically(path, contents[0] ?? "", 0o600);
  const write = async (content: string) => {
    for (let round = 0; round < 10; round++) await writeAtomically(path, content, 0o600);
  };
  const read = async () => {
    for (let round = 0; round < 100; round++) {
      const content = await readFile(path, "utf8");
      assert.ok(contents.includes(content), `${content.length} characters of both contents`);
    }
  };
  await Promise.all([...contents.map(write), read()]);
  assert.deepEqual(await readdir(directory), ["file"]);
});

test("writeAtomically() rejects with the system's error and leaves no temporary file when it cannot rename", async (t) => {
  const directory = await directoryFor(t);
  const path = join(directory, "taken");
  await mkdir(path);
  await writeFile(join(path, "other"), "");
  await assert.rejects(writeAtomically(path, "secret", 0o600), { syscall: "rename" });
  assert.deepEqual(await readdir(directory), ["taken"]);
});

test("writeAtomically() rejects with ENOENT when the directory does not exist", async (t) => {
  const path = join(await directoryFor(t), "absent", "file");
  await assert.rejects(writeAtomically(path, "x", 0o600), { code: "ENOENT" });
});

test("readIfPresent() returns the text, or undefined when there is no file, and rejects with any other error", async (t) => {
  const directory = await directoryFor(t);
  await writeFile(join(directory, "text"), "ä");
  assert.equal(await readIfPresent(join(directory, "text")), "ä");
  assert.equal(await readIfPresent(join(directory, "none")), undefined);
  await assert.rejects(readIfPresent(directory), { code: "EISDIR" });
  await assert.rejects(readIfPresent(join(directory, "text", "below")), { code: "ENOTDIR" });
});
