import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ensureTokens } from "../../../src/sidecar/files/tokens.ts";

const directory = await mkdtemp(join(tmpdir(), "podrole-tokens-"));
after(() => rm(directory, { recursive: true }));

test("ensureTokens() writes one token per container: 256 bits, no newline, readable by any uid", async () => {
  const tokens = ensureTokens(directory, ["app", "worker"]);
  const texts = await Promise.all(["app", "worker"].map((name) => readFile(join(directory, name, "token"), "utf8")));
  assert.deepEqual(
    texts,
    tokens.map((token) => token.reveal()),
  );
  assert.notEqual(texts[0], texts[1]);
  for (const text of texts) assert.match(text, /^[A-Za-z0-9_-]{43}$/);
  assert.equal((await stat(join(directory, "app"))).mode & 0o777, 0o755);
  assert.equal((await stat(join(directory, "app", "token"))).mode & 0o777, 0o444);
});

test("ensureTokens() returns an existing token, so that it stays the same for the pod's lifetime", async () => {
  const [first] = ensureTokens(directory, ["app"]);
  const [second] = ensureTokens(directory, ["app"]);
  assert.equal(second?.reveal(), first?.reveal());
});

test("ensureTokens() replaces a file that holds no token, in an existing directory", async () => {
  await mkdir(join(directory, "half"));
  await writeFile(join(directory, "half", "token"), "");
  const [token] = ensureTokens(directory, ["half"]);
  assert.equal(token?.reveal().length, 43);
});
