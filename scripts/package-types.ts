// Type declarations of the npm package in one file: those of its entry, and of every type that they name. Names at the
// top level of the sources are unique (test/names.test.ts), so the declarations of several files fit into one.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runReleaseTool } from "./release/tools.ts";
import { ROOT } from "./root.ts";

const STATEMENT = /^(?:import|export) .*? from "(.*)";$/gm;

/** Writes the declarations of an entry; `entry` is relative to the root. Throws if they name what a user would lack. */
export function writePackageTypes(entry: string, file: string): void {
  const directory = mkdtempSync(join(tmpdir(), "podrole-types-"));
  try {
    emitDeclarations(entry, directory);
    const files = new Map<string, string>();
    collectDeclarations(entry, (path) => readFileSync(join(directory, path.replace(/\.ts$/, ".d.ts")), "utf8"), files);
    writeFileSync(file, joinDeclarations(files));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function emitDeclarations(entry: string, directory: string): void {
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8")) as {
    readonly compilerOptions: object;
  };
  const project = join(directory, "tsconfig.json");
  const options = { ...compilerOptions, noEmit: false, declaration: true, emitDeclarationOnly: true };
  const places = { rootDir: ROOT, outDir: directory, typeRoots: [join(ROOT, "node_modules/@types")] };
  writeFileSync(project, JSON.stringify({ compilerOptions: { ...options, ...places }, files: [join(ROOT, entry)] }));
  runReleaseTool(compiler, ["--project", project]);
}

/** Reads the declarations of a file, then of the files that it names. */
function collectDeclarations(path: string, read: (path: string) => string, files: Map<string, string>): void {
  if (files.has(path)) return;
  const text = read(path);
  files.set(path, text);
  for (const [, from = ""] of text.matchAll(STATEMENT)) {
    if (!from.startsWith(".")) throw new Error(`Cannot write types: ${path} names types of ${from}; expected its own`);
    collectDeclarations(join(dirname(path), from), read, files);
  }
}

/** Joins the declarations, the entry's last; only what the entry exports is exported. */
function joinDeclarations(files: ReadonlyMap<string, string>): string {
  const [[, entry = ""] = []] = files;
  const declared = [...entry.matchAll(/^export (?:declare )?(?:function|interface|type|const) (\w+)/gm)];
  const passedOn = [...entry.matchAll(/^export \{ (.*) \} from /gm)].flatMap(([, names = ""]) => names.split(", "));
  const names = [...declared.map(([, name = ""]) => name), ...passedOn].map((name) => name.replace("type ", ""));
  const parts = [...files.values()].toReversed().map((text) =>
    text
      .replaceAll(STATEMENT, "")
      .replaceAll(/^export \{\};$/gm, "")
      .replaceAll(/^export /gm, "")
      .trim(),
  );
  return `${parts.filter((part) => part !== "").join("\n")}\nexport { ${names.toSorted().join(", ")} };\n`;
}
