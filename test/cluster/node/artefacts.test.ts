// A release as a user gets it, on a real node: podrole by the packed chart and the images' archives, operated with the
// npm package, as kubectl plugin, with the executable, and with podrole in the server's image. PODROLE_ARTEFACTS names
// the folder.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, afterEach, before, suite, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { releaseFileNames } from "../../../scripts/release/file-names.ts";
import { OWN_ARCHITECTURE } from "../../../scripts/release/images.ts";
import type { Finding } from "../../../src/operations/check/finding.ts";
import { VERSION } from "../../../src/runtime/version.ts";
import { ROOT, readText } from "../../files.ts";
import { createHelm } from "./install/helm.ts";
import { deploymentManifest, podManifest } from "./pods.ts";
import { assumedRolePattern, kubectl, printDiagnosis, rolledOut, useNamespace } from "./suite.ts";

const { KUBECONFIG = "", KUBECTL = "kubectl", PODROLE_ARTEFACTS = "", PATH = "" } = process.env;
/** Findings that this cluster cannot have: STS is emulated, and its API server has no addresses of its own. */
const NOT_OK = [
  ["STS_ENDPOINT", "warning"],
  ["WEBHOOK_CALLERS", "warning"],
  ["INSTANCE_METADATA", "skipped"],
];
const READER = join(ROOT, "manifests/examples/check-account.yaml");

suite("the artefacts of a release", { timeout: 600_000 }, () => {
  const shop = useNamespace("artefacts", { labels: { "pod-security.kubernetes.io/enforce": "restricted" } });
  const folder = mkdtempSync(join(tmpdir(), "podrole-artefacts-"));
  const executable = join(folder, "podrole");
  const bin = join(folder, "node_modules/.bin");
  const env = { ...process.env, PATH: [bin, dirname(process.execPath), join(folder, "kubectl"), PATH].join(delimiter) };
  afterEach((context) => printDiagnosis(context, shop.name));
  after(async () => {
    await kubectl.run(["delete", "-f", READER, "--ignore-not-found"]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a program of the installed package, or kubectl with the package's plugin in PATH. */
  async function run(program: string, ...args: readonly string[]) {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, out, err };
  }

  before(() => {
    const names = releaseFileNames(VERSION);
    const archive = join(PODROLE_ARTEFACTS, names.npm);
    const flags = ["--offline", "--no-audit", "--no-fund", "--prefix", folder];
    const { status, stderr } = spawnSync("npm", ["install", ...flags, archive], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    mkdirSync(join(folder, "kubectl"));
    if (KUBECTL.includes("/")) symlinkSync(KUBECTL, join(folder, "kubectl/kubectl"));
    const compressed = join(PODROLE_ARTEFACTS, names.executable(OWN_ARCHITECTURE));
    writeFileSync(executable, gunzipSync(readFileSync(compressed)), { mode: 0o755 });
  });

  test("a pod assumes its role", async () => {
    await shop.apply(deploymentManifest("orders", { role: "shop-orders" }));
    await rolledOut(shop.name, "deployment/orders");
    await shop.logs("deployment/orders", assumedRolePattern("shop-orders", shop.name));
  });

  test("ROLE_FORBIDDEN: a pod whose role is not permitted is denied", async () => {
    const { code, err } = await shop.run(["apply", "-f", "-"], podManifest("intruder", { role: "payroll-admin" }));
    assert.equal(code, 1);
    assert.match(err, /denied the request: ROLE_FORBIDDEN: .*payroll-admin/);
  });

  for (const [what, program] of [
    ["the npm package", "podrole"],
    ["the executable", executable],
  ] as const) {
    test(`podrole check of ${what} fails no check`, async (context) => {
      const { code, out, err } = await run(program, "check", "-o", "json", "--kubeconfig", KUBECONFIG);
      assert.equal(code, 0, out + err);
      const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
      const others = findings.filter(({ state }) => state !== "ok").map(({ id, state }) => [id, state]);
      context.diagnostic(`${findings.length} findings, not ok: ${JSON.stringify(others)}`);
      assert.deepEqual(others, NOT_OK);
    });
  }

  test("kubectl podrole is the same program", async () => {
    const { code, out, err } = await run("kubectl", "podrole", "check", "--kubeconfig", KUBECONFIG);
    assert.equal(code, 0, out + err);
    const listed = await run("kubectl", "plugin", "list");
    assert.match(listed.out, /kubectl-podrole$/m, listed.err);
  });

  test("helm test passes", async () => {
    await createHelm(process.env).ok(["test", "podrole", "--timeout=5m"]);
  });

  test("kubectl exec starts podrole in the server's image", async () => {
    const args = ["-n", "podrole", "exec", "deployment/podrole-server", "--", "podrole", "version"];
    assert.equal(await kubectl.ok(args), `podrole ${VERSION}\n`);
  });

  test("kubectl run starts podrole check in the server's image, with the ServiceAccount of the example", async (context) => {
    await kubectl.ok(["apply", "-f", READER]);
    const overrides = readText("manifests/examples/check-pod.json");
    const image = ["--image=localhost/podrole-server:0.1.0", "--restart=Never", "--rm", "--attach"];
    const flags = [
      "--quiet",
      "--override-type=strategic",
      `--overrides=${overrides}`,
      "--",
      "check",
      "--skip",
      "CA_SLOTS,ADMISSION",
    ];
    const { code, out, err } = await kubectl.run(["-n", "podrole", "run", "podrole-check", ...image, ...flags]);
    context.diagnostic(out);
    assert.equal(code, 0, out + err);
    assert.match(out, /^ {2}ok {2}/m);
  });

  test("the images contain the licence and the notices", async () => {
    const read =
      "for (const name of ['LICENSE', 'ThirdPartyNotices.txt']) console.log(fs.statSync(`/podrole/${name}`).size)";
    const server = ["-n", "podrole", "exec", "deployment/podrole-server", "--", "node", "--eval", read];
    const sidecar = ["exec", "deployment/orders", "-c", "podrole-sidecar", "--", "node", "--eval", read];
    for (const sizes of [await kubectl.ok(server), await shop.ok(sidecar)]) {
      for (const size of sizes.trim().split("\n")) assert.ok(Number(size) > 5_000, sizes);
    }
  });
});
