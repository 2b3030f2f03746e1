// npm run test:package: the npm package as a user gets it: packed, installed into an empty folder without a network,
// and run by the oldest Node that it supports, by the previous release line and by the Node of this checkout.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { after, suite, test } from "node:test";
import { parse } from "yaml";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { PACKAGE_NODE } from "../../scripts/build-command-line.ts";
import { buildPackage } from "../../scripts/build-package.ts";
import { krewManifest } from "../../scripts/release/krew.ts";
import { NOTICES_FILE } from "../../scripts/third-party.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { VERSION } from "../../src/runtime/version.ts";
import { cachedPackages } from "../cached-folder.ts";
import { ROOT } from "../files.ts";
import { createInstalledObjects } from "../operations/check/healthy.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { assertPageIsServed } from "./served-page.ts";

const MAX_PACKED_BYTES = 3_000_000;
const MAX_FILES = 40;

const directory = createTemporaryDirectory({ after });

/** Folders of Node binaries by name; the older ones exist for Linux on x64. */
function nodes(): ReadonlyMap<string, string> {
  const cache = cachedPackages(process.env, {
    name: "package-nodes",
    directory: join(import.meta.dirname, "nodes"),
    what: "older releases of Node",
  });
  const installed = existsSync(join(cache, "node_modules")) ? readdirSync(join(cache, "node_modules")) : [];
  const older = installed
    .filter((name) => name.startsWith("node-"))
    .map((name) => [name.replace(/^node-(\d+)-.*/, "Node $1"), join(cache, "node_modules", name, "bin")] as const);
  return new Map([...older, ["Node of this checkout", dirname(process.execPath)]]);
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

function pack(): Packed {
  const args = ["pack", "--json", "--pack-destination", directory, join(directory, "staged")];
  const { status, stdout, stderr } = spawnSync("npm", args, { encoding: "utf8", cwd: directory });
  assert.equal(status, 0, stderr);
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
  assert.ok(packed);
  return packed;
}

await buildPackage(join(directory, "staged"));
const packed = pack();
writeFileSync(
  join(directory, "bundle.pem"),
  createAuthority({ commonName: "podrole", now: Date.now(), lifetimeMs: 3_600_000 }).certificatePem,
);
writeFileSync(
  join(directory, "pod.yaml"),
  `apiVersion: v1
kind: Pod
metadata: { name: orders, namespace: shop, annotations: { iam.amazonaws.com/role: shop-orders } }
spec: { containers: [{ name: app, image: "app:1" }] }
`,
);

suite("the packed package", () => {
  test(`has at most ${MAX_PACKED_BYTES} bytes and ${MAX_FILES} files`, () => {
    assert.ok(packed.size <= MAX_PACKED_BYTES, `${packed.size} bytes`);
    assert.ok(packed.files.length <= MAX_FILES, `${packed.files.length} files`);
  });

  test("contains its licence, the notices and no sources", () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of ["LICENSE", "NOTICE", NOTICES_FILE, "README.md", "package.json", "lib/podrole.js"]) {
      assert.ok(paths.includes(path), path);
    }
    for (const path of ["lib/ui.html", "lib/ui.js", "lib/ui.css"]) assert.ok(paths.includes(path), path);
    assert.equal(paths.filter((path) => path.endsWith(".woff2")).length, 2, "two fonts of the page");
    assert.deepEqual(
      paths.filter(
        (path) =>
          !/^(lib\/[\w-]+\.js|lib\/ui\.(html|css)|lib\/[\w-]+\.woff2|lib\/library\.d\.ts|LICENSE|NOTICE|README\.md|ThirdPartyNotices\.txt|package\.json)$/.test(
            path,
          ),
      ),
      [],
    );
  });

  test("requires the Node for which it is built, and no other package", () => {
    const manifest = JSON.parse(readFileSync(join(directory, "staged/package.json"), "utf8")) as Record<
      string,
      unknown
    >;
    assert.deepEqual(manifest["engines"], { node: `>=${PACKAGE_NODE}` });
    assert.equal(manifest["dependencies"], undefined);
  });
});

/** A program that uses the package, in TypeScript without declarations of Node. */
const CONSUMER = `import { type PlanInput, plan, readPlanSettings } from "podrole";
import { readFileSync } from "node:fs";

const trustBundle = readFileSync(process.argv[2], "utf8");
const settings = readPlanSettings(process.env, { trustBundle });
if (!settings.ok) throw new Error(settings.problems.join());
const input: PlanInput = {
  pod: {
    metadata: { name: "orders", annotations: { "iam.amazonaws.com/role": "shop-orders" } },
    spec: { containers: [{ name: "app", image: "app:1" }] },
  },
  namespace: {
    name: "shop",
    labels: { "podrole.io/inject": "enabled" },
    annotations: { "iam.amazonaws.com/permitted": ".*:role/shop-.*" },
  },
  serviceAccountAnnotations: {},
};
const forbidden: PlanInput = { ...input, namespace: { ...input.namespace, annotations: {} } };
for (const planned of [plan(input, settings.value), plan(forbidden, settings.value)]) {
  const names = planned.decision === "inject" ? planned.pod.spec.initContainers?.map(({ name }) => name) : [];
  console.log(planned.decision, planned.reason, names?.join() ?? "");
}
`;

suite("the package's types", () => {
  /** Compiles a program beside the unpacked package; returns what the compiler prints. */
  function compile(name: string, source: string): string {
    const project = join(directory, name);
    mkdirSync(join(project, "node_modules/podrole"), { recursive: true });
    const unpack = ["-xzf", join(directory, packed.filename), "-C", join(project, "node_modules/podrole"), "--strip=1"];
    assert.equal(spawnSync("tar", unpack).status, 0);
    writeFileSync(join(project, "node.d.ts"), NODE_TYPES);
    writeFileSync(join(project, "consumer.mts"), source);
    const options = { strict: true, noEmit: true, module: "nodenext", target: "es2022", lib: ["es2022"], types: [] };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
    const { stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", project], { encoding: "utf8" });
    return stdout + stderr;
  }

  test("let a program that imports plan() compile, with declaration files checked", () => {
    assert.equal(compile("typed", CONSUMER), "");
  });

  test("find a wrong field, a wrong decision and a name that the package does not export", () => {
    const wrong = CONSUMER.replace("serviceAccountAnnotations", "serviceAccount")
      .replace('=== "inject"', '=== "injects"')
      .replace("readPlanSettings }", "readPlanSettings, inject }");
    const output = compile("mistyped", wrong);
    for (const code of ["TS2353", "TS2367", "TS2459"]) assert.ok(output.includes(code), `${code}: ${output}`);
  });
});

/** What the program uses of Node, so that no other package is needed. */
const NODE_TYPES = `declare module "node:fs" { export function readFileSync(path: string, encoding: "utf8"): string; }
declare const process: { argv: string[]; env: Record<string, string | undefined> };
declare const console: { log(...values: unknown[]): void };
`;

interface KrewPlatform {
  readonly files: readonly { readonly from: string; readonly to: string }[];
  readonly bin: string;
}

suite("the plugin as krew installs it", () => {
  test("runs through a link in another folder, from the files that the manifest names", () => {
    const [unpacked, plugin] = [join(directory, "unpacked"), join(directory, "plugin")];
    mkdirSync(unpacked);
    const tar = spawnSync("tar", ["-xzf", join(directory, packed.filename), "-C", unpacked], { encoding: "utf8" });
    assert.equal(tar.status, 0, tar.stderr);
    const manifest = parse(krewManifest({ version: VERSION, uri: "https://registry.example/a.tgz", sha256: "" })) as {
      readonly spec: { readonly platforms: readonly [KrewPlatform] };
    };
    const [{ files, bin }] = manifest.spec.platforms;
    for (const { from, to } of files) {
      for (const file of globSync(from, { cwd: unpacked })) {
        mkdirSync(join(plugin, to), { recursive: true });
        copyFileSync(join(unpacked, file), join(plugin, to, basename(file)));
      }
    }
    const link = join(directory, "kubectl-podrole");
    symlinkSync(join(plugin, bin), link);
    // By name of Node, which need not be in PATH here.
    const { status, stdout, stderr } = spawnSync(process.execPath, [link, "version"], { encoding: "utf8" });
    assert.deepEqual([status, stdout, stderr], [0, `podrole ${VERSION}\n`, ""]);
  });
});

for (const [name, bin] of nodes()) {
  suite(`the installed package with ${name}`, () => {
    const folder = join(directory, name.replaceAll(" ", "-"));
    mkdirSync(folder);
    const env = {
      HOME: folder,
      PATH: [bin, process.env["PATH"]].join(delimiter),
      PODROLE_SERVER_ADDRESS: "podrole-server.podrole.svc:8444",
      PODROLE_IDENTITY_ADDRESS: "podrole-server.podrole.svc:8443",
      PODROLE_PROOF_FILE: "/var/run/podrole/token",
      PODROLE_REGION: "eu-central-1",
      PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/",
    };
    /** Runs a program of the package and returns what it wrote; fails if its exit code is not 0. */
    const run = (program: string, ...args: readonly string[]) => {
      const command = join(folder, "node_modules/.bin", program);
      const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: folder, env });
      assert.equal(status, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
      return { stdout, stderr };
    };

    test("npm install needs no network and warns of nothing", () => {
      const args = ["install", "--offline", "--no-audit", "--no-fund", join(directory, packed.filename)];
      const { status, stderr } = spawnSync("npm", args, { encoding: "utf8", cwd: folder, env });
      assert.deepEqual([status, stderr], [0, ""]);
    });

    test("podrole demo gives a permitted pod its role and refuses another", () => {
      const { stdout, stderr } = run("podrole", "demo", "--json");
      const steps = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { title: string });
      assert.equal(steps.at(-1)?.title, "Done: the permitted pod got its role, and the other pod was refused");
      assert.equal(stderr, "");
    });

    test("podrole demo --ui serves the page", async () => {
      await assertPageIsServed(join(folder, "node_modules/.bin/podrole"), ["demo", "--ui", "--no-open"], {
        cwd: folder,
        env,
      });
    });

    test("podrole ui serves the page", async (context) => {
      const emulator = createKubernetesEmulator({ clock: systemClock });
      await emulator.listen();
      context.after(() => emulator.close());
      createInstalledObjects(emulator.store);
      const kubeconfig = join(folder, "kubeconfig");
      writeFileSync(kubeconfig, emulator.kubeconfig(), { mode: 0o600 });
      const args = ["ui", "--no-open", "--kubeconfig", kubeconfig];
      await assertPageIsServed(join(folder, "node_modules/.bin/podrole"), args, { cwd: folder, env });
    });

    test("podrole inject adds the sidecar to a pod", () => {
      const file = ["-f", join(directory, "pod.yaml"), "--trust-bundle", join(directory, "bundle.pem")];
      const { stdout } = run("podrole", "inject", ...file, "--permitted", "arn:aws:iam::123456789012:role/shop-.*");
      assert.match(stdout, /name: podrole-sidecar/);
    });

    test("podrole check --help describes the command", () => {
      assert.match(run("podrole", "check", "--help").stdout, /^Usage: podrole check/m);
    });

    test("plan() can be imported, injects a permitted pod and refuses another", () => {
      writeFileSync(join(folder, "consumer.mjs"), CONSUMER.replaceAll(/\btype \w+, |: PlanInput\b/g, ""));
      const args = [join(folder, "consumer.mjs"), join(directory, "bundle.pem")];
      const { status, stdout, stderr } = spawnSync(join(bin, "node"), args, { encoding: "utf8", cwd: folder, env });
      assert.deepEqual([status, stderr], [0, ""]);
      assert.equal(stdout, "inject INJECTED podrole-sidecar\nrefuse ROLE_FORBIDDEN \n");
    });

    test("the plugin of kubectl is the same program", () => {
      assert.equal(run("kubectl-podrole", "version").stdout, run("podrole", "version").stdout);
    });

    test("the plugin completes its command lines for kubectl", () => {
      const { stdout } = run("kubectl_complete-podrole", "rotate", "st");
      assert.match(stdout, /^status\t.*\n:4\n$/);
    });
  });
}
