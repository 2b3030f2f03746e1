// Every command of docs/install.md and docs/platforms.md is run by a suite or marked with what it needs that no suite
// has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readText } from "./files.ts";
import { blocksOf, installPages } from "./install-page.ts";

const page = installPages((name) => readText(`docs/${name}`));
const blocks = blocksOf(page);
const MARKS = /^(run: (helm|kustomize|pods)|needs (AWS|kind|a registry|a CA, which the server makes))$/;

test("docs/install.md and docs/platforms.md: every block of commands has a mark", () => {
  assert.equal(blocks.length, page.match(/^```console$/gm)?.length);
  assert.deepEqual(
    blocks.filter(({ mark = "" }) => !MARKS.test(mark)),
    [],
  );
});

test("docs/install.md and docs/platforms.md: exactly the commands that use AWS are marked so", () => {
  const usesAws = (commands: string) => /^(aws|eksctl|kops) |AWS_SECRET_ACCESS_KEY/m.test(commands);
  for (const { mark, commands } of blocks) assert.equal(usesAws(commands), mark === "needs AWS", commands);
});

test("installPages() puts the blocks of docs/platforms.md before those that uninstall", () => {
  const at = (command: string) => blocks.findIndex(({ commands }) => commands.includes(command));
  const places = ["helm install podrole", "server.nodeSelector", "helm uninstall"].map(at);
  assert.ok(
    places.every((place, index) => place > (places[index - 1] ?? -1)),
    places.join(),
  );
});

test("blocksOf() returns blocks with and without a mark", () => {
  const text = "<!-- run: helm -->\n```console\na\n```\n\n```console\nb\n```\n";
  assert.deepEqual(blocksOf(text), [
    { mark: "run: helm", commands: "a\n" },
    { mark: undefined, commands: "b\n" },
  ]);
});
