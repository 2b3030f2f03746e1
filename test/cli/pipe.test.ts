// The command line before a pipe, whose reader may be slow or leave early.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { ROOT } from "../files.ts";
import { writeTemporaryFile } from "../temporary-files.ts";

const PODS = Array.from(
  { length: 1_000 },
  (_, index) => `apiVersion: v1
kind: Pod
metadata: { name: pod-${index}, namespace: shop, annotations: { iam.amazonaws.com/role: shop-app } }
spec: { containers: [{ name: app, image: "example/app:1" }] }
`,
).join("---\n");
suite("podrole before a pipe", () => {
  const file = writeTemporaryFile({ after }, "pods.yaml", PODS);
  const podrole = `'${process.execPath}' --no-warnings '${join(ROOT, "src/cli/main.ts")}' uninject -f '${file}'`;
  const shell = (script: string) => spawnSync("bash", ["-c", script], { encoding: "utf8", timeout: 60_000 });

  test("writes everything, however late the reader begins", () => {
    const { stdout, stderr, status } = shell(`set -o pipefail; ${podrole} | (sleep 1; cat)`);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, PODS);
  });

  test("ends as by SIGPIPE when the reader leaves", () => {
    const { stdout, stderr } = shell(`${podrole} | head -c 1; echo " \${PIPESTATUS[0]}"`);
    assert.equal(stdout, "a 141\n");
    assert.doesNotMatch(stderr, /EPIPE/);
  });
});
