// Manifests as kubectl accepts them, through podrole inject and podrole uninject.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { injectAction, uninjectAction } from "../../../src/cli/commands/inject.ts";
import { parseDocument, splitDocuments } from "../../../src/operations/manifests/source-tree.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";

const ENV = {
  PODROLE_SERVER_ADDRESS: "podrole-server.podrole.svc:8444",
  PODROLE_IDENTITY_ADDRESS: "podrole-server.podrole.svc:8443",
  PODROLE_PROOF_FILE: "/var/run/podrole/token",
  PODROLE_REGION: "eu-central-1",
  PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/",
};

suite("inject() and uninject() with the YAML of kubectl", () => {
  const authority = createAuthority({ commonName: "podrole", now: Date.now(), lifetimeMs: 3_600_000 });
  const trustBundle = writeTemporaryFile({ after }, "bundle.pem", authority.certificatePem);

  async function run(action: typeof injectAction, stdin: string, flags: Readonly<Record<string, string>>) {
    const terminal = createTerminal({ env: ENV, stdin });
    const exitCode = await action(terminal, { filename: "-", ...flags }, []);
    return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
  }

  /** The text as it is injected; what uninject() makes of that is the text again. */
  async function injected(plain: string) {
    const made = await run(injectAction, plain, { trustBundle, permitted: ".*" });
    assert.equal(made.exitCode, 0, made.err);
    assert.equal((await run(uninjectAction, made.out, {})).out, plain);
    assert.equal((await run(injectAction, made.out, { trustBundle, permitted: ".*" })).out, made.out);
    return made;
  }

  const fixture = (name: string) => readFile(join(import.meta.dirname, "../../fixtures/manifests", name), "utf8");

  for (const [name, outcome, kept] of [
    ["duplicate-key.yaml", /^Deployment\/dranet: injected \(INJECTED\)/m, [/ {4}app: dranet\n.*\n {4}app: dranet\n/]],
    [
      "list-quotes.yaml",
      /^Deployment\/orders: injected \(INJECTED\)/m,
      [/canary: "no", /, /# the app\n/, /value: "on" \}/],
    ],
    [
      "null-annotations.yaml",
      /^Deployment\/exporter: injected \(INJECTED\)/m,
      [/^ {6}annotations: # replaced by podrole:\n/m],
    ],
    [
      "octal-mode.yaml",
      /^Deployment\/ssh-mirror: injected \(INJECTED\)/m,
      [/defaultMode: 0400 \}/, /defaultMode: 0755 \}/],
    ],
    ["yaml11-booleans.yaml", /^Pod\/agent: not injected \(HOST_NETWORK\)/m, [/hostNetwork: yes\n/]],
    ["anchors.yaml", /^Pod\/web: injected \(INJECTED\)/m, [/env: &env\n/, /# only comments\n/, /- &a\n/]],
  ] as const) {
    test(`leaves every byte of ${name} but its own`, async () => {
      const plain = await fixture(name);
      for (const text of [plain, plain.replaceAll("\n", "\r\n"), plain.trimEnd()]) {
        const { out, err } = await injected(text);
        assert.match(err, outcome);
        for (const pattern of kept) assert.match(out.replaceAll("\r\n", "\n"), pattern);
      }
    });
  }

  test("leaves a large number next to a pod as it is, in YAML and JSON", async () => {
    const metadata = { name: "web", annotations: { "iam.amazonaws.com/role": "web" } };
    const spec = { containers: [{ name: "app", image: "app:1", resources: {}, env: null }], volumes: [] };
    const pod = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec, status: {} });
    const map = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"n":12345678901234567890}';
    const list = `{\n\t"apiVersion": "v1", "kind": "List",\n\t"items": [${pod},\n\t${map}]\n}\n`;
    for (const text of [`${pod}\n---\n${map}\n`, list, `--- # first\n${pod}\n--- # second\n${map}`]) {
      const { out } = await injected(text);
      assert.match(out, /"n":12345678901234567890\}/);
      assert.match(out, /podrole-sidecar/);
    }
    JSON.parse((await injected(list)).out);
  });

  test("accepts a quoted text whose last line is indented less than its key", async () => {
    const text = `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    iam.amazonaws.com/role: web
    note: "first
second
"
spec:
  containers: [{ name: app, image: "app:1" }]
`;
    const { out } = await injected(text);
    assert.match(out, /note: "first\nsecond\n"\n/);
  });

  test("gives a script without a final newline none", async () => {
    const pod =
      "kind: Pod\nmetadata: { name: w, annotations: { iam.amazonaws.com/role: w } }\nspec: { containers: [{ name: a }] }\n";
    const text = `${pod}---\nkind: ConfigMap\nmetadata: { name: s }\ndata:\n  run: |\n    exit 0`;
    const { out } = await injected(text);
    assert.ok(out.endsWith("\n    exit 0"));
  });

  test("leaves a template without metadata without it", async () => {
    const account = "kind: ServiceAccount\nmetadata: { name: w, annotations: { iam.amazonaws.com/role: w } }\n";
    const spec = "      serviceAccountName: w\n      containers: [{ name: a, image: 'a:1' }]\n";
    const text = `${account}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: w }\nspec:\n  template:\n    spec:\n${spec}`;
    const { err } = await injected(text);
    assert.match(err, /^Deployment\/w: injected \(INJECTED\)/m);
  });

  test("injects pod templates of any kind, and warns about a role whose pods it does not know", async () => {
    const plain = await fixture("crd-templates.yaml");
    const { out, err } = await injected(plain);
    for (const name of ["Rollout/orders", "ScaledJob/job", "PodTemplate/t"])
      assert.match(err, new RegExp(`^${name}: injected \\(INJECTED\\)`, "m"));
    assert.match(
      err,
      /^Service\/hello: warning: the role annotation at spec\.template\.metadata\.annotations is in no/m,
    );
    assert.match(err, /^SparkApplication\/pi: warning: the role annotation at spec\.driver\.annotations is in no/m);
    assert.equal(out.match(/name: podrole-sidecar/g)?.length, 3);
    const strict = await run(injectAction, plain, { trustBundle, permitted: ".*", strict: "true" });
    assert.deepEqual([strict.exitCode, strict.out], [1, out]);
    const [rollout = ""] = splitDocuments(plain);
    assert.equal((await run(injectAction, rollout, { trustBundle, permitted: ".*", strict: "true" })).exitCode, 0);
  });

  test("writes the injected pod in the template alone", async () => {
    const plain = await fixture("octal-mode.yaml");
    const { out } = await injected(plain);
    const specOf = (text: string) => {
      const [document = ""] = splitDocuments(text);
      const read = parseDocument(document);
      const value = read.ok ? read.value?.value : undefined;
      return (value as { spec: { template: { spec: Record<string, unknown> } } }).spec;
    };
    const { initContainers, ...podSpec } = specOf(out).template.spec;
    assert.equal((initContainers as unknown[]).length, 1);
    assert.deepEqual(Object.keys(podSpec).toSorted(), ["containers", "volumes"]);
    assert.deepEqual((podSpec["volumes"] as unknown[]).slice(0, 2), specOf(plain).template.spec["volumes"]);
    assert.deepEqual({ ...specOf(out), template: 0 }, { ...specOf(plain), template: 0 });
  });
});
