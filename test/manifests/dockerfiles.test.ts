// Properties of the Dockerfiles; test/cluster/node builds them and runs their images.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readText } from "../files.ts";

const LABELS = "title description licenses version revision created source url base.name".split(" ");

for (const name of ["server", "sidecar", "try"]) {
  suite(`Dockerfile.${name}`, () => {
    const text = readText(`Dockerfile.${name}`);
    const instructions = text
      .replaceAll(/^#.*\n/gm, "")
      .replaceAll("\\\n", " ")
      .split("\n")
      .filter(Boolean);
    const all = (instruction: string) => instructions.filter((line) => line.startsWith(`${instruction} `));

    test("has one base image, pinned by digest, that BASE can replace", () => {
      assert.match(instructions[0] ?? "", /^ARG BASE=[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
      assert.deepEqual(all("FROM"), ["FROM ${BASE}"]);
    });

    test("needs no shell: has no RUN, and commands in exec form", () => {
      assert.deepEqual(all("RUN"), []);
      for (const line of [...all("ENTRYPOINT"), ...all("CMD")]) {
        assert.ok(Array.isArray(JSON.parse(line.replace(/^\w+ /, ""))), line);
      }
    });

    test("contains only the program's own bundle", () => {
      assert.deepEqual([...all("COPY"), ...all("ADD")], [`COPY dist/${name} /podrole`]);
    });

    test("runs as a numeric non-root user, which Kubernetes can verify", () => {
      assert.deepEqual(all("USER"), ["USER 65532:65532"]);
    });

    test("starts Node so that no signal opens its inspector", () => {
      assert.match(all("ENTRYPOINT").join(), /^ENTRYPOINT \["node", "--disable-sigusr1", /);
    });

    test("has every OCI label whose value is known at build time, each once", () => {
      const found = [...text.matchAll(/org\.opencontainers\.image\.([a-z.]+)=/g)].map(([, label]) => label);
      assert.equal(found.length, LABELS.length);
      assert.deepEqual(new Set(found), new Set(LABELS));
    });
  });
}
