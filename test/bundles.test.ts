// What the bundles contain: the images no code that only demo and tests use, the npm package everything that its demo
// starts, and third-party packages only with licences that allow it. UPDATE=1 writes docs/third-party.md.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { buildServer, buildTry, bundlePackage } from "../scripts/build-command-line.ts";
import { buildSidecar } from "../scripts/build-sidecar.ts";
import { bundledFiles } from "../scripts/bundle.ts";
import { addLegalFiles, bundledPackages, licenseProblems, NOTICES_FILE, noticesOf } from "../scripts/third-party.ts";
import { VERSION } from "../src/runtime/version.ts";
import { ROOT, readText } from "./files.ts";
import { createTemporaryDirectory } from "./temporary-files.ts";

const directory = createTemporaryDirectory({ after });

const bundles = {
  server: await buildServer(join(directory, "server")),
  sidecar: await buildSidecar(join(directory, "sidecar")),
  try: await buildTry(join(directory, "try")),
  package: await bundlePackage(join(directory, "package")),
};
const contents = {
  server: bundledFiles(bundles.server),
  sidecar: bundledFiles(bundles.sidecar),
  try: bundledFiles(bundles.try),
  package: bundledFiles(bundles.package),
};
const packages = {
  server: bundledPackages(bundles.server),
  sidecar: bundledPackages(bundles.sidecar),
  try: bundledPackages(bundles.try),
  package: bundledPackages(bundles.package),
};
const ofTheDemo = (files: readonly string[]) => files.filter((file) => /^(emulators|src\/cli\/demo)\//.test(file));

suite("bundledFiles()", () => {
  test("finds no emulator and no demo in the images of server and sidecar", () => {
    assert.deepEqual(ofTheDemo(contents.server), []);
    assert.deepEqual(ofTheDemo(contents.sidecar), []);
  });

  test("leaves a demo in the server's image that says where there is one", () => {
    const run = spawnSync(process.execPath, [join(directory, "server/podrole.js"), "demo"], { encoding: "utf8" });
    assert.deepEqual([run.status, run.stdout], [1, ""]);
    assert.match(run.stderr, /^Cannot run podrole demo: .*; expected the npm package or a checkout of podrole\n$/);
  });

  test("leaves a podrole ui in the server's image that says where there is one, and no page in any image", () => {
    const run = spawnSync(process.execPath, [join(directory, "server/podrole.js"), "ui"], { encoding: "utf8" });
    assert.deepEqual([run.status, run.stdout], [2, ""]);
    assert.match(run.stderr, /^Cannot run podrole ui: .*; expected the npm package or a checkout of podrole\n$/);
    const ofThePage = [...contents.server, ...contents.sidecar, ...contents.try].filter((file) =>
      /^(ui|src\/cli\/page)\/|preact|dagre/.test(file),
    );
    assert.deepEqual(ofThePage, []);
    assert.ok(contents.package.includes("ui/main.ts"));
    for (const file of ["ui.html", "ui.js", "ui.css"]) assert.ok(statSync(join(directory, "package", file)).size > 500);
  });

  test("puts podrole in the server's image where kubectl exec finds it, started by the Node of the base", () => {
    const program = join(directory, "server/bin/podrole");
    assert.match(readFileSync(program, "utf8"), /^#!\/nodejs\/bin\/node --disable-sigusr1\n/);
    assert.equal(statSync(program).mode & 0o111, 0o111);
    const { status, stdout } = spawnSync(process.execPath, [program, "version"], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [0, `podrole ${VERSION}\n`]);
    assert.match(readText("Dockerfile.server"), /^ENV PATH=\/podrole\/bin:\/nodejs\/bin:/m);
  });

  test("finds in the image podrole-try the emulated STS, and no program of an installation", () => {
    const others = /^(emulators\/(kubernetes|kubelet)|src\/(cli|server|webhook|sidecar|operations))\//;
    assert.ok(contents.try.includes("emulators/sts/emulator.ts"));
    assert.deepEqual(
      contents.try.filter((file) => others.test(file)),
      [],
    );
  });

  test("finds both in the package", () => {
    const files = ofTheDemo(contents.package);
    for (const file of ["emulators/kubernetes/emulator.ts", "emulators/sts/emulator.ts", "src/cli/demo/app.ts"]) {
      assert.ok(files.includes(file), file);
    }
  });

  test("finds none of the Kubernetes client's classes of objects, which no program uses", () => {
    for (const files of Object.values(contents)) {
      const ofClient = files.filter((file) => file.includes("/@kubernetes/client-node/"));
      assert.deepEqual(
        ofClient.filter((file) => /\/dist\/gen\/(?:models|apis|types)\//.test(file)),
        [],
      );
    }
    assert.ok(contents.package.includes("node_modules/@kubernetes/client-node/dist/config.js"));
  });

  test("finds each program in its own bundle, and no command line in the sidecar's", () => {
    assert.ok(contents.server.includes("src/server/main.ts") && contents.server.includes("src/webhook/main.ts"));
    assert.ok(contents.sidecar.includes("src/sidecar/serve.ts"));
    assert.deepEqual(
      contents.sidecar.filter((file) => /^src\/(cli|server|webhook|operations)\//.test(file)),
      [],
    );
  });
});

/** The table of docs/third-party.md. */
function table(): string {
  const all = new Map(
    Object.values(packages).flatMap((list) => list.map((one) => [`${one.name}@${one.version}`, one])),
  );
  const rows = [...all]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { name, version, license }]) => {
      const isIn = (list: typeof packages.server) =>
        list.some((one) => `${one.name}@${one.version}` === id) ? "yes" : "";
      return `| ${[name, version, license, ...Object.values(packages).map(isIn)].join(" | ")} |`;
    });
  const head = [
    "package",
    "version",
    "licence",
    "server's image",
    "sidecar's image",
    "image podrole-try",
    "npm package",
  ];
  return [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...rows].join("\n");
}

suite("third-party packages", () => {
  test("docs/third-party.md lists those that are bundled", () => {
    const page = join(ROOT, "docs/third-party.md");
    const current = readFileSync(page, "utf8");
    const expected = current.replace(
      /(<!-- packages -->\n)[\s\S]*(?=\n<!-- end -->)/,
      (_, start: string) => start + table(),
    );
    if (process.env["UPDATE"] === "1") writeFileSync(page, expected);
    else assert.equal(current, expected, "run UPDATE=1 node --test test/bundles.test.ts");
  });

  test("licenseProblems() finds none in any bundle, and a licence that is not allowed", () => {
    assert.deepEqual(Object.values(packages).flatMap(licenseProblems), []);
    const odd = { name: "a", version: "1.0.0", license: "GPL-3.0-only", texts: [] };
    assert.deepEqual(licenseProblems([odd]), ['a@1.0.0 has licence "GPL-3.0-only"; expected one of the allow list']);
  });

  test("noticesOf() names every package, and contains the text of its licence", () => {
    const text = noticesOf(packages.server);
    for (const { name, version, texts } of packages.server) {
      assert.ok(text.includes(`\n${name}@${version}\n`), name);
      for (const one of texts) assert.ok(text.includes(one), name);
    }
    assert.match(text, /Permission is hereby granted, free of charge/);
  });

  test("addLegalFiles() writes podrole's licence and the notices beside the programs", async () => {
    await addLegalFiles(join(directory, "sidecar"), bundles.sidecar);
    const read = (name: string) => readFileSync(join(directory, "sidecar", name), "utf8");
    for (const name of ["LICENSE", "NOTICE"]) assert.equal(read(name), readText(name));
    assert.equal(read(NOTICES_FILE), noticesOf(packages.sidecar));
  });
});
