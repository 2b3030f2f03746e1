// An upgrade from an earlier chart on a real API server: its objects have other fields, and some have other names. Helm
// must be able to change each of them (a selector cannot change), the CA must survive, and a rollback must succeed.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import { readText } from "../../files.ts";
import { createKubectl } from "../kubectl.ts";
import { createInstalledState } from "./installed-state.ts";
import { startLocalServer } from "./server.ts";
import { CHART, helmBare, helmOrFail, helmTemplate } from "./tools.ts";

const { KUBECONFIG: kubeconfig = "", KUBECTL: binary = "kubectl" } = process.env;
const kubectl = createKubectl({ binary, kubeconfig });
const { allObjects, storedTrust, hasTrust, replicas } = createInstalledState(kubectl);
const VALUES = { server: { replicas: 3 }, settings: { region: "eu-central-1" } };

suite("an upgrade from an earlier chart", { timeout: 600_000 }, () => {
  const earlier = mkdtempSync(join(tmpdir(), "podrole-earlier-"));
  let stopServer = async () => {};
  let created: Awaited<ReturnType<typeof storedTrust>>;

  before(async () => {
    mkdirSync(join(earlier, "templates"));
    writeFileSync(join(earlier, "Chart.yaml"), "apiVersion: v2\nname: podrole\nversion: 0.0.1\n");
    writeFileSync(join(earlier, "templates/all.yaml"), readText("test/cluster/chart/earlier-layout.yaml"));
    await until(async () => !(await allObjects()).some((line) => line.includes("podrole")), "podrole is not installed");
    helmOrFail(["install", "podrole", earlier, "--create-namespace"]);
    stopServer = await startLocalServer(kubectl, kubeconfig);
    await until(hasTrust, "CA, trust bundle and caBundle exist");
    created = await storedTrust();
  });
  after(async () => {
    await stopServer();
    await kubectl.run(["delete", "namespace", "podrole", "--ignore-not-found"]);
    rmSync(earlier, { recursive: true });
  });

  test("changes every object, and keeps the CA", async () => {
    assert.equal(await replicas("server"), "2");
    helmOrFail(["upgrade", "podrole", CHART], VALUES);
    assert.equal(await replicas("server"), "3");
    const { ca, trust } = await storedTrust();
    assert.deepEqual({ ca, trust }, { ca: created.ca, trust: created.trust });
    const present = new Set(await allObjects());
    const missing = helmTemplate(VALUES)
      .filter(({ metadata }) => metadata.annotations?.["helm.sh/hook"] === undefined)
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`)
      .filter((key) => !present.has(key));
    assert.deepEqual(missing, []);
  });

  test("can be rolled back", async () => {
    helmBare("rollback", "podrole", "1", "--namespace", "podrole");
    assert.equal(await replicas("server"), "2");
    assert.deepEqual((await storedTrust()).ca, created.ca);
  });

  test("leaves nothing behind when it is uninstalled", async () => {
    helmBare("uninstall", "podrole", "--namespace", "podrole");
    const isOurs = (line: string) =>
      line.includes("podrole") && !/^(Namespace|ServiceAccount podrole.default|ConfigMap podrole.kube-root)/.test(line);
    await until(async () => !(await allObjects()).some(isOurs), "every object is deleted");
    assert.deepEqual((await allObjects()).filter(isOurs), []);
  });
});
