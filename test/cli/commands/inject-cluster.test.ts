// podrole inject with the settings and the CAs of an installation.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { injectAction } from "../../../src/cli/commands/inject.ts";
import { CA, createInstalledObjects } from "../../operations/check/healthy.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

const MANIFEST = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: { podrole.io/inject: enabled }
  annotations: { iam.amazonaws.com/permitted: ".*" }
---
apiVersion: v1
kind: Pod
metadata:
  name: orders
  namespace: shop
  annotations: { iam.amazonaws.com/role: shop-orders }
spec:
  containers: [{ name: app, image: app:1 }]
`;

const TRUST = { metadata: { name: "podrole-trust", namespace: "podrole" }, data: { "bundle.pem": CA } };

async function installation(context: TestContext) {
  const cluster = await startOperatorCluster(context);
  createInstalledObjects(cluster.store);
  cluster.store.create("configmaps", TRUST);
  const inject = (flags: Readonly<Record<string, string>> = {}, username?: string) =>
    cluster.runAction(
      injectAction,
      [],
      { filename: "-", fromCluster: "true", ...flags },
      { stdin: MANIFEST, username },
    );
  return { ...cluster, inject };
}

suite("injectAction() with --from-cluster", () => {
  test("injects with the webhook's image, its base ARN and the published CAs", async (context) => {
    const { inject } = await installation(context);
    const { exitCode, out, err } = await inject();
    assert.equal(exitCode, 0, err);
    assert.match(err, /^Pod\/orders: injected \(INJECTED\): .*role\/shop-orders/m);
    assert.match(out, /image: registry\.example\/podrole-sidecar:1$/m);
    assert.match(out, /-----BEGIN CERTIFICATE-----/);
    assert.doesNotMatch(err, /default of --sidecar-image/);
  });

  test("refuses settings beside it, and flags of the cluster without it", async (context) => {
    const { inject, runAction } = await installation(context);
    const both = await inject({ sidecarImage: "x:1", trustBundle: "bundle.pem" });
    assert.deepEqual([both.exitCode, both.out], [2, ""]);
    assert.match(both.err, /--trust-bundle and --from-cluster exclude each other/);
    assert.match(both.err, /--sidecar-image and --from-cluster exclude each other/);
    const alone = await runAction(injectAction, [], { filename: "-", podroleNamespace: "iam" }, { stdin: MANIFEST });
    assert.match(alone.err, /--podrole-namespace requires --from-cluster/);
  });

  test("names the permissions that the caller lacks, and what an installation lacks", async (context) => {
    const { inject, kubernetes, store } = await installation(context);
    kubernetes.restrict("nobody", []);
    const { exitCode, out, err } = await inject({ podroleNamespace: "podrole" }, "nobody");
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(err, /Cannot read podrole's installation: needs list on deployments in namespace podrole/);
    store.remove("configmaps", "podrole", "podrole-trust");
    assert.match((await inject()).err, /has published no CA yet/);
    assert.match((await inject({ podroleNamespace: "iam" })).err, /no Deployment in namespace "iam" runs podrole's /);
  });
});

test("injectAction() says that an injected pod runs the default image, which no registry has", async (context) => {
  const trustBundle = writeTemporaryFile(context, "bundle.pem", CA);
  const env = { PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/" };
  const run = async (flags: Readonly<Record<string, string>>) => {
    const terminal = createTerminal({ env, stdin: MANIFEST });
    assert.equal(await injectAction(terminal, { filename: "-", trustBundle, ...flags }, []), 0, terminal.said.err());
    return terminal.said.err();
  };
  assert.match(await run({}), /podrole inject: injected pods run image podrole-sidecar:\S+, the default of --sidecar/);
  assert.doesNotMatch(await run({ sidecarImage: "registry.example/sidecar:1" }), /the default of --sidecar-image/);
});
