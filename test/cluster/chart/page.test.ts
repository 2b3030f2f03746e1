// Runs the commands of docs/install.md and docs/platforms.md that need no running pod, unchanged and in order, in a
// shell against a real API server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { readText } from "../../files.ts";
import { blocksOf, installPages } from "../../install-page.ts";
import { MANIFESTS } from "./tools.ts";

const { KUBECTL = "kubectl", HELM = "helm", PATH = "" } = process.env;
const blocks = blocksOf(installPages((page) => readText(`docs/${page}`)));

for (const method of ["helm", "kustomize"]) {
  suite(`docs/install.md with ${method}`, { timeout: 120_000 }, () => {
    let directory = "";
    before(() => {
      directory = mkdtempSync(join(tmpdir(), "podrole-page-"));
      // The page assumes a checkout as working directory, and tools with these names in PATH.
      symlinkSync(MANIFESTS, join(directory, "manifests"));
      for (const [name, path] of Object.entries({ kubectl: KUBECTL, helm: HELM })) {
        if (path.includes("/")) symlinkSync(path, join(directory, name));
      }
    });
    after(() => {
      shell("kubectl delete namespace podrole shop --ignore-not-found --wait");
      rmSync(directory, { recursive: true });
    });

    const shell = (script: string) =>
      spawnSync("bash", ["-e", "-c", script], {
        cwd: directory,
        env: { ...process.env, PATH: `${directory}:${PATH}` },
        encoding: "utf8",
      });

    const own = blocks.filter(({ mark }) => mark === `run: ${method}`);
    assert.ok(own.length > 3);
    for (const { commands } of own) {
      test(commands.split("\n")[0] ?? "", () => {
        const { status, stderr } = shell(commands);
        assert.equal(status, 0, stderr);
      });
    }

    test("podrole is removed at the end", () => {
      const { stdout } = shell("kubectl get clusterroles,clusterrolebindings,mutatingwebhookconfigurations -o name");
      assert.doesNotMatch(stdout, /podrole/);
    });
  });
}
