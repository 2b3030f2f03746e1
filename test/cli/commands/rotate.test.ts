// podrole rotate as a command, with restricted rights: its output and its exit codes.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { rotateAction } from "../../../src/cli/commands/rotate.ts";
import type { Flags } from "../../../src/cli/terminal.ts";
import { encodeAuthorities, planRotation } from "../../../src/pki/authorities.ts";
import type { RotationStatus } from "../../../src/pki/rotation-status.ts";
import { systemClock as clock, HOUR_MS } from "../../../src/runtime/clock.ts";
import { toBase64 } from "../../fakes/secret-data.ts";
import { programDeployment } from "../../operations/check/healthy.ts";
import { startOperatorCluster } from "./operator-cluster.ts";

const ROTATION = { commonName: "podrole CA", lifetimeMs: 8760 * HOUR_MS, leafLifetimeMs: HOUR_MS };
const RIGHTS = [
  { apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["list"] },
];

async function cluster(context: TestContext) {
  const { kubernetes, store, runAction } = await startOperatorCluster(context);
  store.create("namespaces", { metadata: { name: "podrole" } });
  store.create("deployments", { ...programDeployment("server") });
  const slots = encodeAuthorities(planRotation(undefined, clock.now(), ROTATION).authorities);
  const data = toBase64(slots);
  store.create("secrets", { metadata: { name: "podrole-ca", namespace: "podrole" }, data });
  const run = (step: string, flags?: Flags, username?: string) => runAction(rotateAction, [step], flags, { username });
  const secretVersion = () => store.get("secrets", "podrole", "podrole-ca").metadata.resourceVersion;
  return { kubernetes, store, run, secretVersion };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

suite("rotateAction()", () => {
  test("status prints ages, the servers' next steps and the possible steps, and changes nothing", async (context) => {
    const { run, secretVersion } = await cluster(context);
    const before = secretVersion();
    const { exitCode, out } = await run("status");
    assert.equal(exitCode, 0);
    assert.match(
      out,
      /^current {3}O=podrole, CN=podrole CA .* signing for 0 s, expires in 364 d|^current .* signing for \d s/m,
    );
    assert.match(out, /in 18[12] d \d+ h \(2\d{3}-.*\): create and publish a next CA/);
    assert.match(out, /^podrole rotate prepare: possible now$/m);
    assert.match(out, /^podrole rotate activate: there is no next CA: prepare one first$/m);
    assert.equal(secretVersion(), before);
    const status = JSON.parse((await run("status", { output: "json" })).out) as RotationStatus;
    assert.deepEqual(
      [status.slots.map(({ slot }) => slot), Object.keys(status.refused)],
      [["current"], ["activate", "retire"]],
    );
  });

  test("prepare ends with 0 and reports what follows; activate ends with 1 and reports how long to wait", async (context) => {
    const { run, secretVersion } = await cluster(context);
    const prepared = await run("prepare");
    assert.equal(prepared.exitCode, 0, prepared.err);
    assert.match(prepared.err, /the servers publish it within one minute/);
    assert.match(prepared.out, /^next .* published \d s ago/m);
    const version = secretVersion();
    const early = await run("activate");
    assert.equal(early.exitCode, 1);
    assert.match(
      early.err,
      /^podrole rotate activate: cannot activate: the next CA was published too recently: wait 70 minutes/,
    );
    assert.equal(secretVersion(), version);
    const forced = await run("activate", { force: "true" });
    assert.equal(forced.exitCode, 0);
    assert.match(forced.err, /restart the pods that do not recover/);
  });

  test("prints no key", async (context) => {
    const { run } = await cluster(context);
    const said = await Promise.all(["status", "prepare"].map((step) => run(step, { output: "json" })));
    assert.doesNotMatch(said.map(({ out, err }) => out + err).join(), /PRIVATE KEY/);
  });

  test("needs get and patch of the Secret: without patch it ends with 2 and changes nothing", async (context) => {
    const { kubernetes, run, secretVersion } = await cluster(context);
    const own = { apiGroups: [""], resources: ["secrets"], resourceNames: ["podrole-ca"] };
    for (const [user, verbs] of [
      ["reader", ["get"]],
      ["keeper", ["get", "patch"]],
    ] as const) {
      kubernetes.restrict(user, [...RIGHTS, { ...own, verbs }], "podrole");
    }
    assert.equal((await run("status", {}, "reader")).exitCode, 0);
    const before = secretVersion();
    const { exitCode, err } = await run("prepare", {}, "reader");
    assert.equal(exitCode, 2);
    assert.match(err, /expected permission to patch secrets in namespace "podrole"/);
    assert.equal(secretVersion(), before);
    assert.equal((await run("prepare", {}, "keeper")).exitCode, 0);
    assert.notEqual(secretVersion(), before);
  });

  test("refuses a damaged Secret, reports the key that is damaged and changes nothing", async (context) => {
    const { store, run, secretVersion } = await cluster(context);
    const secret = store.get("secrets", "podrole", "podrole-ca");
    const data = { ...(secret["data"] as object), "current.key": base64("nonsense") };
    store.replace("secrets", { ...secret, data });
    const before = secretVersion();
    for (const force of ["false", "true"]) {
      const { exitCode, err } = await run("prepare", { force });
      assert.equal(exitCode, 1);
      assert.match(err, /Cannot read the Secret of the CA: current\.key/);
    }
    assert.equal(secretVersion(), before);
  });

  test("takes no step by a setting with which the servers do not start, and changes nothing", async (context) => {
    const { store, run, secretVersion } = await cluster(context);
    const server = programDeployment("server");
    server.spec.template.spec.containers[0]?.args?.push("--certificate-ttl=1m");
    store.replace("deployments", { ...server });
    const before = secretVersion();
    for (const step of ["prepare", "activate", "retire"]) {
      const { exitCode, err } = await run(step);
      assert.equal(exitCode, 1, err);
      assert.match(err, /the server does not start with its settings: --certificate-ttl: it is below 10m/);
    }
    assert.equal(secretVersion(), before);
  });

  test("refuses a CA of the operator's own (--ca-cert) and a namespace without the server", async (context) => {
    const { store, run } = await cluster(context);
    const own = programDeployment("server");
    own.spec.template.spec.containers[0]?.args?.push("--ca-cert=/ca/tls.crt", "--ca-key", "/ca/tls.key");
    store.replace("deployments", { ...own });
    const files = await run("prepare");
    assert.equal(files.exitCode, 1);
    assert.match(files.err, /your own \(--ca-cert\)/);
    assert.match((await run("status", { podroleNamespace: "default" })).err, /no Deployment in namespace "default"/);
  });

  test("finds podrole's namespace by the labels of its Deployments, and asks for it when there are several", async (context) => {
    const { store, run } = await cluster(context);
    store.remove("deployments", "podrole", "podrole-server");
    const labels = { "app.kubernetes.io/part-of": "podrole" };
    const inNamespace = (namespace: string) => {
      const server = programDeployment("server");
      store.create("namespaces", { metadata: { name: namespace } });
      store.create("deployments", { ...server, metadata: { ...server.metadata, namespace, labels } });
    };
    inNamespace("iam-system");
    const found = await run("status");
    assert.equal(found.exitCode, 0, found.err);
    inNamespace("iam-test");
    const several = await run("status");
    assert.equal(several.exitCode, 2);
    assert.match(several.err, /--podrole-namespace: .* iam-system, iam-test; expected one of these/);
    assert.equal((await run("status", { podroleNamespace: "iam-test" })).exitCode, 0);
  });
});
