// Every command of docs/install.md and docs/platforms.md is run by a suite or marked with what it needs that no suite
// has.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { ROOT, readText } from "./files.ts";
import { blocksOf, installPages } from "./install-page.ts";
import { createTemporaryDirectory } from "./temporary-files.ts";

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

/** Copies the folder as docs/install.md does, into a new folder with a link to manifests/; returns the copy. */
function copyInstallation(context: TestContext): string {
  const folder = createTemporaryDirectory(context);
  symlinkSync(join(ROOT, "manifests"), join(folder, "manifests"));
  const { commands } = blocks.find((block) => block.commands.startsWith("cp -R ")) ?? assert.fail("no block copies");
  const { status, stderr } = spawnSync("sh", ["-e", "-c", commands], { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return join(folder, "podrole-install");
}

test("docs/install.md: the copied folder finds its base", (context) => {
  const copy = copyInstallation(context);
  const { resources } = parse(readFileSync(join(copy, "kustomization.yaml"), "utf8")) as { resources: string[] };
  assert.equal(resources.length, 1);
  for (const path of resources) assert.ok(existsSync(join(copy, path, "kustomization.yaml")), path);
});

const { KUBECTL = "kubectl" } = process.env;
const hasKubectl = spawnSync(KUBECTL, ["version", "--client"]).status === 0;

test("docs/install.md: kubectl builds the copied folder", { skip: hasKubectl ? false : "no kubectl" }, (context) => {
  const { status, stdout, stderr } = spawnSync(KUBECTL, ["kustomize", copyInstallation(context)], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^ {8}image: registry\.example\/podrole-server:0\.1\.0$/m);
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
