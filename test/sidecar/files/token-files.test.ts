import assert from "node:assert/strict";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type AuthorizationTokens, hashOf } from "../../../src/sidecar/authorization-tokens.ts";
import { prepareTokens, replaceTokens, takeUnusedTokens } from "../../../src/sidecar/files/token-files.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";

async function createDirectory(t: TestContext): Promise<string> {
  const directory = createTemporaryDirectory(t);
  return directory;
}

const textsOf = ({ current }: AuthorizationTokens) => current.map((token) => token.reveal());
const read = (directory: string, container: string) => readFile(join(directory, container, "token"), "utf8");
const state = (directory: string) => join(directory, "tokens.json");

test("replaceTokens() writes one token per container: 256 bits, no newline, readable by any uid", async (t) => {
  const directory = await createDirectory(t);
  const tokens = replaceTokens(directory, ["app", "worker"]);
  const texts = await Promise.all(["app", "worker"].map((container) => read(directory, container)));
  assert.deepEqual(texts, textsOf(tokens));
  assert.notEqual(texts[0], texts[1]);
  for (const text of texts) assert.match(text, /^[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(tokens.earlier, []);
  assert.equal((await stat(join(directory, "app"))).mode & 0o777, 0o755);
  assert.equal((await stat(join(directory, "app", "token"))).mode & 0o777, 0o444);
});

test("replaceTokens() makes the current tokens earlier ones, of which only hashes are stored", async (t) => {
  const directory = await createDirectory(t);
  const first = textsOf(replaceTokens(directory, ["app"]));
  const second = replaceTokens(directory, ["app"]);
  assert.notDeepEqual(textsOf(second), first);
  assert.deepEqual(second.earlier, first.map(hashOf));
  const stored = await readFile(state(directory), "utf8");
  assert.ok(!stored.includes(first[0] ?? "none") && !stored.includes(textsOf(second)[0] ?? "none"));
  assert.equal((await stat(state(directory))).mode & 0o777, 0o600);
});

test("replaceTokens() forgets a token after 8 further starts", async (t) => {
  const directory = await createDirectory(t);
  const [first = ""] = textsOf(replaceTokens(directory, ["app", "worker"]));
  const knows = ({ earlier }: AuthorizationTokens) => earlier.includes(hashOf(first));
  const known = Array.from({ length: 9 }, () => replaceTokens(directory, ["app", "worker"])).map(knows);
  assert.deepEqual(known, [...Array<boolean>(8).fill(true), false]);
  assert.equal(replaceTokens(directory, ["app", "worker"]).earlier.length, 16);
});

test("replaceTokens() replaces a file that holds no token, in an existing directory, and ignores a broken state", async (t) => {
  const directory = await createDirectory(t);
  await mkdir(join(directory, "half"));
  await writeFile(join(directory, "half", "token"), "");
  for (const broken of ["", "[", "null", '{"unused":1,"earlier":{}}', '{"earlier":[1]}']) {
    await writeFile(state(directory), broken);
    assert.equal(takeUnusedTokens(directory, ["half"]), undefined, broken);
  }
  const { current, earlier } = replaceTokens(directory, ["half"]);
  assert.equal(current[0]?.reveal().length, 43);
  assert.deepEqual(earlier, []);
});

test("takeUnusedTokens() creates the tokens of a pod that has none, for one start alone", async (t) => {
  const directory = await createDirectory(t);
  const taken = takeUnusedTokens(directory, ["app", "worker"]);
  assert.ok(taken);
  assert.deepEqual(textsOf(taken), [await read(directory, "app"), await read(directory, "worker")]);
  assert.equal(takeUnusedTokens(directory, ["app", "worker"]), undefined);
  replaceTokens(directory, ["app", "worker"]);
  assert.equal(takeUnusedTokens(directory, ["app", "worker"]), undefined);
});

test("takeUnusedTokens() returns what prepareTokens() wrote, and creates a token that is missing, for one start alone", async (t) => {
  const directory = await createDirectory(t);
  prepareTokens(directory, ["app", "worker"]);
  const prepared = await read(directory, "app");
  await rm(join(directory, "worker", "token"));
  const taken = takeUnusedTokens(directory, ["app", "worker"]);
  assert.ok(taken);
  assert.deepEqual(textsOf(taken), [prepared, await read(directory, "worker")]);
  assert.equal(takeUnusedTokens(directory, ["app", "worker"]), undefined);
});

test("takeUnusedTokens() takes over no token of a version that stored no state", async (t) => {
  const directory = await createDirectory(t);
  replaceTokens(directory, ["app"]);
  await rm(state(directory));
  assert.equal(takeUnusedTokens(directory, ["app"]), undefined);
});

test("prepareTokens() replaces the tokens of an earlier start, as after a new pod sandbox", async (t) => {
  const directory = await createDirectory(t);
  const [served = ""] = textsOf(replaceTokens(directory, ["app"]));
  prepareTokens(directory, ["app"]);
  assert.notEqual(await read(directory, "app"), served);
  assert.deepEqual(takeUnusedTokens(directory, ["app"])?.earlier, [hashOf(served)]);
});
