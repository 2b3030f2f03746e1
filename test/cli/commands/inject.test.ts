import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { INJECT_SETTINGS } from "../../../src/cli/arguments/inject.ts";
import { type Actions, createProgram } from "../../../src/cli/command-tree.ts";
import { injectAction, uninjectAction } from "../../../src/cli/commands/inject.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { readSettings } from "../../../src/runtime/settings.ts";
import { planSettings } from "../../../src/settings/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../../../src/settings/webhook.ts";
import { ROOT, readText } from "../../files.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { commandsOf } from "../command-lines.ts";
import { createTerminal } from "../terminal.ts";

const ENV: Readonly<Record<string, string>> = {
  PODROLE_SERVER_ADDRESS: "podrole-server.podrole.svc:8444",
  PODROLE_IDENTITY_ADDRESS: "podrole-server.podrole.svc:8443",
  PODROLE_PROOF_FILE: "/var/run/podrole/token",
  PODROLE_REGION: "eu-central-1",
  PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/",
};

const CA = createAuthority({ commonName: "podrole", now: Date.now(), lifetimeMs: 3_600_000 }).certificatePem;

async function run(
  context: TestContext,
  stdin: string,
  flags: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string | undefined>> = ENV,
  bundle = CA,
) {
  const trustBundle = writeTemporaryFile(context, "bundle.pem", bundle);
  const terminal = createTerminal({ env, stdin });
  const exitCode = await injectAction(terminal, { filename: "-", trustBundle, ...flags }, []);
  return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
}

const manifest = (role: string) => `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: { podrole.io/inject: enabled }
  annotations: { iam.amazonaws.com/permitted: "arn:aws:iam::123456789012:role/shop-.*" }
---
# The shop's orders.
apiVersion: apps/v1
kind: Deployment
metadata: { name: orders, namespace: shop }
spec:
  template:
    metadata:
      annotations: { iam.amazonaws.com/role: ${role} }
    spec:
      containers:
        - name: app
          image: app:1
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other, namespace: shop }
data: { key: value }
`;

interface Deployment {
  readonly spec: { readonly template: { readonly spec: { readonly initContainers?: readonly { name: string }[] } } };
}

suite("injectAction()", () => {
  for (const bundle of ["", "# podrole", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"]) {
    test(`refuses a trust bundle that sidecars cannot read: ${JSON.stringify(bundle.slice(0, 12))}`, async (context) => {
      const { exitCode, out, err } = await run(context, manifest("shop-orders"), {}, ENV, bundle);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, /--trust-bundle: .*bundle.pem is not one or more certificates in PEM/);
    });
  }

  test("refuses an input without an object, as after a failed command in a pipeline", async (context) => {
    const { exitCode, out, err } = await run(context, "# nothing\n");
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(err, /--filename: standard input contains no Kubernetes object/);
  });

  test("injects pod templates and leaves everything else as it is", async (context) => {
    const { exitCode, out, err } = await run(context, manifest("shop-orders"));
    assert.equal(exitCode, 0, err);
    const [namespace, deployment, configMap, ...more] = parseAllDocuments(out).map((document) => document.toJS());
    assert.deepEqual(
      (deployment as Deployment).spec.template.spec.initContainers?.map(({ name }) => name),
      ["podrole-sidecar"],
    );
    assert.deepEqual([namespace?.kind, configMap?.data, more], ["Namespace", { key: "value" }, []]);
    assert.match(out, /# The shop's orders\./);
    assert.match(err, /^Deployment\/orders: injected \(INJECTED\): podrole is injected; app: /m);
  });

  test("ROLE_FORBIDDEN: exits with code 1, reports why, and leaves the template as it was", async (context) => {
    const { exitCode, out, err } = await run(context, manifest("payroll-admin"));
    assert.equal(exitCode, 1);
    assert.match(
      err,
      /^Deployment\/orders: refused \(ROLE_FORBIDDEN\): Cannot give role .*payroll-admin.*\n {2}remedy: Correct the role/m,
    );
    assert.doesNotMatch(out, /podrole-sidecar/);
  });

  test("escapes control characters in names", async (context) => {
    const { err } = await run(context, manifest("shop-orders").replaceAll("name: orders", 'name: "\\e[2Jorders"'));
    assert.match(err, /^Deployment\/\\u\{1b\}\[2Jorders: /m);
  });

  test("says which setting a short role name lacks, as a flag that the command has", async (context) => {
    const env = { ...ENV, PODROLE_ROLE_BASE_ARN: undefined };
    const short = await run(context, manifest("shop-orders"), {}, env);
    assert.equal(short.exitCode, 1);
    assert.match(
      short.err,
      /ROLE_INVALID\): .*expected a full role ARN, or --role-base-arn \(PODROLE_ROLE_BASE_ARN\)\n/,
    );
    const flags = { roleBaseArn: "arn:aws:iam::123456789012:role/" };
    assert.equal((await run(context, manifest("shop-orders"), flags, env)).exitCode, 0);
  });

  test("says how to get a trust bundle when it has none, and what to run then", async () => {
    const terminal = createTerminal({ env: ENV });
    assert.equal(await injectAction(terminal, { filename: "shop.yaml" }, []), 2);
    const err = terminal.said.err();
    assert.match(err, /^podrole inject: --trust-bundle is required: /);
    assert.match(
      err,
      /kubectl -n podrole get configmap podrole-trust -o 'jsonpath=\{\.data\.bundle\\\.pem\}' > bundle\.pem$/m,
    );
    assert.match(err, /: openssl req -x509 .* -out bundle\.pem$/m);
    assert.match(err, /^podrole inject: then: podrole inject -f shop\.yaml --trust-bundle bundle\.pem$/m);
  });

  test("reports every missing flag and setting at once", async () => {
    const terminal = createTerminal({ env: { ...ENV, PODROLE_SIDECAR_USER: "nobody" } });
    assert.equal(await injectAction(terminal, {}, []), 2);
    for (const name of ["--filename (-f) is required", "PODROLE_SIDECAR_USER", "--trust-bundle is required"]) {
      assert.ok(terminal.said.err().includes(`podrole inject: ${name}`), name);
    }
  });

  test("has a flag for each setting that injection reads", () => {
    const read = readSettings(WEBHOOK_SETTINGS, {}, {});
    assert.ok(read.ok);
    const keys = new Set<string>();
    const recorded = new Proxy(read.value, {
      get(target, key) {
        keys.add(String(key));
        return Reflect.get(target, key);
      },
    });
    planSettings(recorded, { trustBundle: CA, nativeSidecar: true });
    // The action reads the first; the second is about podrole's own namespace, which its manifests name.
    keys.add("nativeSidecar").delete("trustConfigMap");
    assert.deepEqual(Object.keys(INJECT_SETTINGS).toSorted(), [...keys].toSorted());
  });

  test("runs as README.md writes it", async (context) => {
    const line = /^npx (podrole inject .*)$/m.exec(readText("README.md"))?.[1] ?? assert.fail();
    const [[, ...words] = []] = commandsOf(line);
    const bundle = writeTemporaryFile(context, "bundle.pem", CA);
    const terminal = createTerminal();
    const actions = new Proxy({}, { get: () => injectAction }) as Actions;
    const program = createProgram(terminal, actions, (exitCode) => assert.equal(exitCode, 0, terminal.said.err()));
    const args = words.map((word) =>
      word === "bundle.pem" ? bundle : word.startsWith("manifests/") ? join(ROOT, word) : word,
    );
    await program.parseAsync(args, { from: "user" });
    assert.match(terminal.said.out(), /name: podrole-sidecar/);
  });

  test("applies --permitted to a namespace that is not in the input", async (context) => {
    const pod = `apiVersion: v1
kind: Pod
metadata: { name: web, namespace: elsewhere, annotations: { iam.amazonaws.com/role: web } }
spec: { containers: [{ name: app, image: app:1 }] }
`;
    assert.equal((await run(context, pod)).exitCode, 1);
    assert.equal((await run(context, pod, { permitted: ".*:role/web" })).exitCode, 0);
  });

  for (const [published, proof] of [
    ["on", /podCertificate:/],
    ["off", /serviceAccountToken:/],
    [undefined, /serviceAccountToken:/],
  ] as const) {
    test(`gives pods what the server has published for --pod-certificates=auto: ${published}`, async (context) => {
      const data = { "bundle.pem": CA, ...(published && { "pod-certificates": published }) };
      const map = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "podrole-trust" }, data });
      const flags = { podCertificates: "auto" };
      const { exitCode, out } = await run(context, manifest("shop-orders"), flags, ENV, map);
      assert.equal(exitCode, 0);
      assert.match(out, proof);
      assert.equal(out.includes("podCertificate:") && out.includes("serviceAccountToken:"), false);
    });
  }

  test("refuses --pod-certificates=auto if the bundle's file does not say what was published", async (context) => {
    const { exitCode, out, err } = await run(context, manifest("shop-orders"), { podCertificates: "auto" });
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(
      err,
      /^podrole inject: --pod-certificates: it is auto, .*expected on or off, or ConfigMap podrole-trust/,
    );
  });

  test("refuses a ConfigMap without a trust bundle", async (context) => {
    const map = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" }, data: {} });
    const { exitCode, out, err } = await run(context, manifest("shop-orders"), {}, ENV, map);
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(err, /--trust-bundle: .*and no ConfigMap that has them as bundle\.pem/);
  });

  for (const [what, stdin, flags, env] of [
    ["YAML that cannot be read", "a: [", {}, ENV],
    ["a file that does not exist", "", { filename: "/nowhere/pod.yaml" }, ENV],
    ["a bundle that does not exist", "", { trustBundle: "/nowhere/bundle.pem" }, ENV],
    ["a misspelt setting", "", {}, { ...ENV, PODROLE_REGOIN: "x" }],
  ] as const) {
    test(`refuses ${what}, and prints no manifest`, async (context) => {
      const { exitCode, out, err } = await run(context, stdin, flags, env);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, /^podrole inject: /);
    });
  }

  test("uses the role of a ServiceAccount in the input", async (context) => {
    const account = (role: string) => `apiVersion: v1
kind: List
items:
- { apiVersion: v1, kind: ServiceAccount, metadata: { name: web, annotations: { iam.amazonaws.com/role: ${role} } } }
- apiVersion: v1
  kind: Pod
  metadata: { name: web }
  spec: { serviceAccountName: web, containers: [{ name: app, image: app:1 }] }
`;
    const permitted = ".*:role/web";
    assert.match((await run(context, account("web"), { permitted })).err, /^Pod\/web: injected \(INJECTED\)/m);
    assert.match((await run(context, account("other"), { permitted })).err, /^Pod\/web: refused \(ROLE_FORBIDDEN\)/m);
  });

  test("changes nothing the second time, and writes no YAML anchors", async (context) => {
    const once = await run(context, manifest("shop-orders"));
    const twice = await run(context, once.out);
    assert.equal(twice.out, once.out);
    assert.doesNotMatch(once.out, /[&*]a\d/);
  });
});

suite("uninjectAction()", () => {
  async function back(stdin: string, flags = { filename: "-" }) {
    const terminal = createTerminal({ env: ENV, stdin });
    return { exitCode: await uninjectAction(terminal, flags, []), out: terminal.said.out(), err: terminal.said.err() };
  }

  test("restores the manifests that injectAction() was given", async (context) => {
    const plain = manifest("shop-orders");
    const { out: injected } = await run(context, plain);
    const { exitCode, out, err } = await back(injected);
    assert.equal(exitCode, 0);
    assert.match(err, /^Deployment\/orders: podrole removed$/m);
    // Only the spelling of flow collections may have changed on the way.
    const [before, after] = [plain, out].map((text) => parseAllDocuments(text).map((document) => document.toJS()));
    assert.deepEqual(after, before);
    assert.match(out, /# The shop's orders\./);
  });

  test("leaves manifests without podrole as they are", async () => {
    const plain = manifest("shop-orders");
    const { exitCode, out, err } = await back(plain);
    assert.equal(exitCode, 0);
    assert.doesNotMatch(out, /podrole-/);
    assert.match(err, /^Deployment\/orders: not injected$/m);
  });

  for (const [what, stdin, filename] of [
    ["YAML that cannot be read", "a: [", "-"],
    ["a file that does not exist", "", "/nowhere/pod.yaml"],
    ["a text that is not a Kubernetes object", "hello", "-"],
  ] as const) {
    test(`refuses ${what}, and prints no manifest`, async () => {
      const { exitCode, out, err } = await back(stdin, { filename });
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, /^podrole uninject: /);
    });
  }
});
