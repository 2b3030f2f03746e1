// Bundles the command line, split so that each command loads only its own part. For the server's image, in Node 26,
// without the demo; for the npm package, in the oldest Node that its dependencies support, with the demo, its emulators
// and the sidecar that the demo starts. Also bundles the programs of a try installation. No bundle needs node_modules.
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin, transform } from "esbuild";
import { bundleUi, PACKAGED_PAGE_FILES, writeUi } from "./build-ui.ts";
import { type Bundle, sizesOf } from "./bundle.ts";
import { ROOT } from "./root.ts";

const COMMAND_LINE_ENTRY = "src/cli/main.ts";

/** What programs import from the npm package. */
export const LIBRARY_ENTRY = "src/cli/library.ts";

/** The oldest Node that runs the npm package; undici requires it. */
export const PACKAGE_NODE = "22.19.0";

/** CommonJS packages inside an ES module bundle load Node's own modules with require. */
const REQUIRE_BANNER =
  'import{createRequire as podroleRequire}from"node:module";const require=podroleRequire(import.meta.url);';

/** Replaces the demo, which needs the emulators and the programs of the pods; the image contains neither. */
const withoutDemo = withoutCommand("demo", { module: /\/demo\/demo\.ts$/, exitCode: 1 });

/** Replaces the page of operators, which the image does not contain. */
const withoutUi = withoutCommand("ui", { module: /\/commands\/ui\.ts$/, exitCode: 2 });

const packagedPage = replaceModule(/\/page-files\.ts$/, PACKAGED_PAGE_FILES);

/** All files of the package are in one folder, so they are beside the chunk that contains this module. */
const packagedPrograms = replaceModule(
  /\/demo-programs\.ts$/,
  `import { fileURLToPath } from "node:url";
  const here = (file) => fileURLToPath(new URL(file, import.meta.url));
  export const DEMO_PROGRAMS = {
    commandLine: here("./podrole.js"), sidecar: here("./demo-sidecar.js"), app: here("./demo-app.js"),
  };`,
);

/** The commands that operators run, as one part: each has little code of its own beside what they share. */
const operatorCommands: Plugin = {
  name: "operator-commands",
  setup(bundler) {
    bundler.onResolve({ filter: OPERATOR_COMMAND }, ({ path, kind }) =>
      kind === "dynamic-import"
        ? { path: path.replace(OPERATOR_COMMAND, "/operator"), namespace: "commands" }
        : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: "commands" }, () => {
      const names = ["audit", "aws", "check", "explain", "inject", "migrate", "rotate", "status", "ui"];
      const contents = names.map((name) => `export * from "./${name}.ts";`).join("\n");
      return { contents, loader: "ts", resolveDir: join(ROOT, "src/cli/commands") };
    });
  },
};

const OPERATOR_COMMAND = /\/commands\/(audit|aws|check|explain|inject|migrate|rotate|status|ui)\.ts$/;

/**
 * Leaves out what nothing uses of the Kubernetes client, such as its generated classes of 800 kinds of objects: its
 * package.json does not say that its modules only define. They are a third of its code, which each start would load.
 */
const usedKubernetesClient: Plugin = {
  name: "used-kubernetes-client",
  setup(bundler) {
    bundler.onResolve({ filter: KUBERNETES_CLIENT }, async ({ path, pluginData, ...from }) => {
      if (pluginData === usedKubernetesClient) return undefined;
      const { importer, kind, namespace, resolveDir } = from;
      const origin = { importer, kind, namespace, resolveDir, pluginData: usedKubernetesClient };
      return { ...(await bundler.resolve(path, origin)), sideEffects: false };
    });
    // Its own modules name each other by their files. To ask esbuild for each of ten thousand names takes a minute.
    bundler.onResolve({ filter: MODULE_FILE }, ({ path, resolveDir }) =>
      resolveDir.includes(KUBERNETES_CLIENT_FILES) ? { path: join(resolveDir, path), sideEffects: false } : undefined,
    );
  },
};

const KUBERNETES_CLIENT = /^@kubernetes\/client-node$/;
const KUBERNETES_CLIENT_FILES = "/node_modules/@kubernetes/client-node/dist";
const MODULE_FILE = /^\.{1,2}\/.*\.js$/;

/**
 * Puts what other modules than the entry import on demand into the same part as those modules: esbuild writes a file
 * for each set of parts that share a module, and these parts alone would make a hundred of them.
 */
const oneLevelOfParts: Plugin = {
  name: "one-level-of-parts",
  setup(bundler) {
    bundler.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
      if (path === join(ROOT, COMMAND_LINE_ENTRY)) return undefined;
      const source = await readFile(path, "utf8");
      if (!/\bimport\(/.test(source)) return undefined;
      if (path.startsWith(join(ROOT, "src/"))) return { contents: withStaticImports(source), loader: "ts" };
      const loader = path.endsWith("ts") ? "ts" : "js";
      const { code } = await transform(source, { loader, platform: "node", supported: { "dynamic-import": false } });
      return { contents: code, loader: "js" };
    });
  },
};

/**
 * Returns the source with a static import in the place of each one on demand: of such a module esbuild leaves out what
 * nothing uses, and of one that is required it leaves out nothing. podrole's own modules only define.
 */
function withStaticImports(source: string): string {
  const imports: string[] = [];
  const code = source.replaceAll(/\bimport\(("[^"]+")\)/g, (_, path: string) => {
    imports.push(`import * as onDemand${imports.length} from ${path};`);
    return `Promise.resolve(onDemand${imports.length - 1})`;
  });
  return `${imports.join("")}${code}`;
}

/** What all bundles of the command line have in common. */
const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  minify: true,
  // The log includes the class names of errors.
  keepNames: true,
  legalComments: "none",
  logLevel: "warning",
} as const;

/** Bundles the command line for the server's image. */
export async function buildServer(directory: string): Promise<Bundle> {
  const built = await bundleForImage(directory, { podrole: COMMAND_LINE_ENTRY }, [withoutDemo, withoutUi]);
  await addProgram(directory);
  return built;
}

/** Bundles the emulated STS and the app of a try installation for their image, the only one with an emulator. */
export function buildTry(directory: string): Promise<Bundle> {
  return bundleForImage(directory, { "podrole-try": "emulators/try/main.ts" }, []);
}

async function bundleForImage(
  directory: string,
  entryPoints: Readonly<Record<string, string>>,
  plugins: readonly Plugin[],
): Promise<Bundle> {
  const built = await bundleCommandLine(directory, { entryPoints, target: "node26", plugins });
  // In the image no package.json above declares the module type of these files.
  await writeFile(join(directory, "package.json"), '{ "type": "module" }\n');
  return built;
}

/** Where the base of the images has Node; the images have no `env` that could search for it. */
const SERVER_HASHBANG = "#!/nodejs/bin/node --disable-sigusr1";

/** Adds bin/podrole, for `kubectl exec`, which does not use the image's entry point. */
async function addProgram(directory: string): Promise<void> {
  const entry = join(directory, "podrole.js");
  const source = await readFile(entry, "utf8");
  await writeFile(entry, source.replace(/^#!.*/, SERVER_HASHBANG));
  await chmod(entry, 0o755);
  await mkdir(join(directory, "bin"));
  await symlink("../podrole.js", join(directory, "bin/podrole"));
}

/** Bundles the command line for the npm package, with the page of podrole ui. */
export async function bundlePackage(directory: string): Promise<Bundle> {
  const { sizes, metafile } = await bundleCommandLine(directory, {
    entryPoints: {
      podrole: COMMAND_LINE_ENTRY,
      library: LIBRARY_ENTRY,
      "demo-sidecar": "src/sidecar/main.ts",
      "demo-app": "src/cli/demo/app.ts",
    },
    target: `node${PACKAGE_NODE}`,
    plugins: [packagedPrograms, packagedPage, operatorCommands, oneLevelOfParts],
  });
  const page = await bundleUi();
  await writeUi(directory, page);
  const inputs = { ...metafile.inputs, ...page.metafile.inputs };
  return { sizes, metafile: { inputs, outputs: { ...metafile.outputs, ...page.metafile.outputs } } };
}

/** The URL of the executable, which is its own script, so that the entry recognizes itself as started. */
const SELF =
  'const podroleSelf=require("node:url").pathToFileURL(require("node:fs").realpathSync(process.argv[1])).href;';

/** Name of the script that an executable contains. */
export const EXECUTABLE_SCRIPT = "podrole.cjs";

/** Bundles the command line as one CommonJS file, which an executable can contain compiled, into a directory. */
export async function buildExecutableScript(directory: string): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: [COMMAND_LINE_ENTRY],
    outfile: join(directory, EXECUTABLE_SCRIPT),
    format: "cjs",
    target: "node26",
    banner: { js: SELF },
    define: { "import.meta.url": "podroleSelf" },
    plugins: [withoutDemo, withoutUi, usedKubernetesClient],
  });
}

interface CommandLineOptions {
  /** Sources relative to the root, by name of the output. */
  readonly entryPoints: Readonly<Record<string, string>>;
  readonly target: string;
  readonly plugins: readonly Plugin[];
}

async function bundleCommandLine(
  directory: string,
  { entryPoints, target, plugins }: CommandLineOptions,
): Promise<Bundle> {
  await rm(directory, { recursive: true, force: true });
  const { metafile } = await build({
    ...COMMON,
    entryPoints: { ...entryPoints },
    outdir: directory,
    splitting: true,
    format: "esm",
    target,
    metafile: true,
    banner: { js: REQUIRE_BANNER },
    plugins: [...plugins, usedKubernetesClient],
  });
  return { sizes: sizesOf(metafile, directory), metafile };
}

/** Replaces the module with a command's action by one that refuses to run it. */
function withoutCommand(
  name: string,
  { module, exitCode }: { readonly module: RegExp; readonly exitCode: number },
): Plugin {
  return replaceModule(
    module,
    `export const ${name}Action = async ({ err }) => {
      err("Cannot run podrole ${name}: this is the server's image; expected the npm package or a checkout of podrole\\n");
      return ${exitCode};
    };`,
  );
}

/** Puts other contents in the place of a module; they may import what Node has. */
function replaceModule(filter: RegExp, contents: string): Plugin {
  const namespace = `replaced-${filter.source}`;
  return {
    name: namespace,
    setup(bundler) {
      bundler.onResolve({ filter }, ({ path }) => ({ path, namespace }));
      bundler.onLoad({ filter: /.*/, namespace }, () => ({ contents, loader: "js" }));
    },
  };
}
