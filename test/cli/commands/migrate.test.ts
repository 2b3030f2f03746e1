import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { parse } from "yaml";
import { migrateAction } from "../../../src/cli/commands/migrate.ts";
import { clusterExport, EXPORT_BASE_ARN, KIAM } from "../../operations/migrate/cluster-export.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";

async function run(stdin: string, flags: Readonly<Record<string, string>> = {}, from = "kiam", env = {}) {
  const terminal = createTerminal({ env, stdin });
  const exitCode = await migrateAction(terminal, { filename: "-", ...flags }, [from]);
  return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
}

const CLUSTER = JSON.stringify(clusterExport(KIAM));
const quiet = `apiVersion: v1
kind: Namespace
metadata: { name: shop, annotations: { iam.amazonaws.com/permitted: ".*" } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  template:
    metadata: { annotations: { iam.amazonaws.com/role: ROLE } }
    spec: { containers: [{ name: app, image: app:1 }] }
`;
const full = quiet.replace("ROLE", `${EXPORT_BASE_ARN}web`);
/** kiam's server and, in another namespace, a workload that looks like it. */
const RIVALS = [
  ["DaemonSet", "kube-system", "kiam-server", "quay.io/uswitch/kiam:v4.2", EXPORT_BASE_ARN],
  ["Deployment", "tenant", "cache", "registry.example/tenant/kiam:1", "arn:aws:iam::666666666666:role/"],
]
  .map(
    ([kind, namespace, name, image, baseArn]) => `---
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  template:
    spec: { containers: [{ name: kiam, image: "${image}", args: [server, "--role-base-arn=${baseArn}"] }] }
`,
  )
  .join("");

async function folder(context: TestContext): Promise<string> {
  const directory = createTemporaryDirectory(context);
  return directory;
}

suite("migrateAction()", () => {
  test("returns 0 and prints the counts if nothing needs work", async () => {
    const { exitCode, out, err } = await run(full);
    assert.equal(exitCode, 0, err);
    assert.match(out, /^kiam to podrole: 2 pods in 1 namespace\n {2}2 unchanged/);
  });

  test("returns 2 for an empty export, and prints no report", async () => {
    const { exitCode, out, err } = await run("");
    assert.deepEqual([exitCode, out], [2, ""]);
    assert.match(err, /--filename: - contains no Kubernetes object/);
  });

  test("reads empty annotations as none", async () => {
    const { exitCode, out, err } = await run(
      quiet.replace("{ annotations: { iam.amazonaws.com/role: ROLE } }", "{ annotations: }"),
    );
    assert.equal(exitCode, 0, err);
    assert.match(out, /^kiam to podrole: 2 pods in 1 namespace\n {2}2 unchanged \(of these, 2 without a role\)/);
  });

  test("returns 1 if something needs work, and prints the counts first", async () => {
    const { exitCode, out } = await run(CLUSTER);
    assert.equal(exitCode, 1);
    const [first, second] = out.split("\n");
    assert.equal(first, "kiam to podrole: 200 pods in 12 namespaces");
    assert.equal(second, "  150 unchanged (of these, 90 without a role), 10 change, 29 need work, 11 refused");
    assert.match(out, /found in DaemonSet kube-system\/kiam-server/);
  });

  test("reads folders recursively, and several files, one flag each or separated by commas", async (context) => {
    const directory = await folder(context);
    await mkdir(join(directory, "deep"));
    await writeFile(join(directory, "deep", "shop.yaml"), full);
    await writeFile(join(directory, "notes.txt"), "not: [read");
    const more = join(directory, "more.json");
    await writeFile(
      more,
      JSON.stringify({ kind: "Pod", metadata: { name: "x" }, spec: { containers: [{ name: "a" }] } }),
    );
    assert.match((await run("", { filename: join(directory, "deep") })).out, /2 pods in 1 namespace/);
    assert.match((await run("", { filename: `${join(directory, "deep")},${more}` })).out, /3 pods in 2 namespaces/);
    const several = { filename: `${join(directory, "deep")}\n${more}` };
    assert.match((await run("", several)).out, /3 pods in 2 namespaces/);
    assert.match((await run("", { filename: directory })).out, /3 pods in 2 namespaces/);
  });

  test("prints the same report as JSON and YAML", async () => {
    const json = JSON.parse((await run(CLUSTER, { output: "json" })).out) as { counts: object; settings: object };
    const yaml = parse((await run(CLUSTER, { output: "yaml" })).out) as { counts: object };
    assert.deepEqual(json.counts, { unchanged: 150, changed: 10, needsWork: 29, refused: 11 });
    assert.deepEqual(yaml.counts, json.counts);
  });

  test("prints waves, and values for the chart", async () => {
    assert.match(
      (await run(CLUSTER, { waves: "2" })).out,
      /^kubectl label namespace shop podrole\.io\/inject=enabled$/m,
    );
    const { exitCode, out } = await run(CLUSTER, { output: "values" });
    assert.equal(exitCode, 0);
    assert.match(out, /^# --sync=1m: /m);
    assert.match(out, new RegExp(`roleBaseArn: ${EXPORT_BASE_ARN}`));
  });

  test("requires a base ARN only for short role names, and accepts it as a flag", async () => {
    const short = quiet.replace("ROLE", "web");
    const without = await run(short);
    assert.equal(without.exitCode, 2);
    assert.match(without.err, /--role-base-arn: required: "web" is a short role name and the input has no base ARN/);
    const given = await run(short, { roleBaseArn: EXPORT_BASE_ARN });
    assert.deepEqual([given.exitCode, given.err], [0, ""]);
  });

  test("assumes the only account of the input for a base ARN that kiam detects, and none if there are two", async () => {
    const kiam = `---
kind: DaemonSet
metadata: { name: kiam-server, namespace: kube-system }
spec:
  template:
    spec: { containers: [{ name: kiam, image: quay.io/uswitch/kiam, command: [/kiam], args: [server, --role-base-arn-autodetect] }] }
`;
    const account = (id: string) =>
      `---\nkind: Namespace\nmetadata: { name: n-${id}, annotations: { iam.amazonaws.com/permitted: "arn:aws:iam::${id}:role/x-.*" } }\n`;
    const short = `${quiet.replace("ROLE", "web").trimEnd()}\n${kiam}`;
    const assumed = await run(`${short}${account("123456789012")}`);
    assert.equal(assumed.err, "");
    assert.match(assumed.out, /assumed: arn:aws:iam::123456789012:role\/, as in/);
    const both = await run(`${short}${account("123456789012")}${account("210987654321")}`);
    assert.deepEqual([both.exitCode, both.out], [2, ""]);
  });

  test("decides by the settings of an installed podrole, unless the environment has others", async () => {
    const podrole = (program: string) => `---
kind: Deployment
metadata: { name: podrole-${program}, namespace: podrole, labels: { app.kubernetes.io/part-of: podrole } }
spec:
  template:
    spec:
      containers:
        - { name: podrole, image: podrole, args: [${program}], envFrom: [{ configMapRef: { name: podrole-common } }] }
`;
    const common = `---
kind: ConfigMap
metadata: { name: podrole-common, namespace: podrole }
data: { PODROLE_ROLE_BASE_ARN: "${EXPORT_BASE_ARN}team/" }
`;
    const text = `${quiet.replace("ROLE", "web").trimEnd()}\n${podrole("webhook")}${podrole("server")}${common}`;
    const { err, out } = await run(text, { roleBaseArn: EXPORT_BASE_ARN });
    assert.equal(err, "");
    assert.match(
      out,
      /settings: those of the installed podrole decide \(Deployment podrole-webhook, ConfigMap podrole-common/,
    );
    assert.match(out, /role\/team\/web/);
  });

  test("uses the values of kiam's chart instead of its pods", async (context) => {
    const path = join(await folder(context), "values.yaml");
    await writeFile(path, `server: { roleBaseArn: "${EXPORT_BASE_ARN}", extraArgs: { session: prod } }\n`);
    const { exitCode, out } = await run(quiet.replace("ROLE", "web"), { kiamValues: path });
    assert.equal(exitCode, 0);
    assert.match(out, /session names: kiam-prod becomes/);
  });

  for (const [what, stdin, flags, problem] of [
    ["an unknown output format", full, { output: "xml" }, /--output: "xml" is not one of "text"/],
    ["an unusable number of waves", full, { waves: "0" }, /--waves: "0" is not a whole number/],
    ["an unusable base ARN", full, { roleBaseArn: "role/" }, /--role-base-arn: "role\/" is not a base ARN/],
    ["a file that does not exist", full, { filename: "/nowhere" }, /--filename: \/nowhere cannot be read/],
    ["a values file that does not exist", full, { kiamValues: "/nowhere" }, /--kiam-values: \/nowhere cannot be read/],
    ["waves as JSON", full, { waves: "2", output: "json" }, /--output: "json" cannot be combined with --waves/],
    [
      "two installations of kiam with different flags",
      `${full}${RIVALS}`,
      {},
      /--predecessor-namespace: required: DaemonSet kube-system\/kiam-server and Deployment tenant\/cache run kiam with different flags/,
    ],
    ["broken input", "a: [", {}, /standard input: it is neither YAML nor JSON/],
  ] as const) {
    test(`returns 2 for ${what}, and prints no report`, async () => {
      const { exitCode, out, err } = await run(stdin, flags);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(err, problem);
    });
  }

  test("reads kiam's flags in the namespace that the operator names", async () => {
    const flags = { predecessorNamespace: "kube-system", output: "values" };
    const { exitCode, out } = await run(`${full}${RIVALS}`, flags);
    assert.equal(exitCode, 0);
    assert.match(out, /^# converted from DaemonSet kube-system\/kiam-server/);
    assert.doesNotMatch(out, /666666666666/);
  });

  test("escapes characters that control a terminal or a shell", async () => {
    const evil = full.replace("name: web,", 'name: "web\\e[2J\\n$(id)",').replace('".*"', '".*|x\\e"');
    const escape = String.fromCodePoint(27);
    for (const flags of [{}, { waves: "1" }]) {
      const { out } = await run(evil, flags);
      assert.ok(!out.includes(escape), out);
      assert.doesNotMatch(out, /^\$\(id\)/m);
    }
    assert.match((await run(evil, { waves: "1" })).out, /rollout restart 'deployment\/web/);
  });
});
