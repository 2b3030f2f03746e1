// Bundles the page of podrole ui: a script, a style sheet and two typefaces, without a request to any other host. A
// checkout bundles it when the command starts; the npm package contains its files.
import { readFile, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { build, type Metafile } from "esbuild";
import type { PageFile } from "../src/cli/page/page-files.ts";
import { ROOT } from "./root.ts";

/** The page, and esbuild's record of what is in it. */
export interface UiBundle {
  /** By path; the page itself has the path "". */
  readonly files: ReadonlyMap<string, PageFile>;
  readonly metafile: Metafile;
}

/** Content-Type of each file of the page, by path. */
const PAGE_TYPES = {
  "": "text/html; charset=utf-8",
  "ui.js": "text/javascript; charset=utf-8",
  "ui.css": "text/css; charset=utf-8",
  "inter-latin-wght-normal.woff2": "font/woff2",
  "jetbrains-mono-latin-400-normal.woff2": "font/woff2",
};

/** Bundles the page. */
export async function bundleUi(): Promise<UiBundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ui: "ui/main.ts", "ui-style": "ui/ui.css" },
    outdir: "dist/ui",
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2024",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    loader: { ".woff2": "file" },
    assetNames: "[name]",
  });
  const page = await readFile(join(ROOT, "ui/page.html"), "utf8");
  const contentOf = (path: string) => {
    if (path === "") return page;
    const isFont = extname(path) === ".woff2";
    const output = outputFiles.find((file) =>
      isFont ? basename(file.path) === path : extname(file.path) === extname(path),
    );
    if (output === undefined) throw new Error(`Cannot bundle the page of podrole ui: no ${path}; expected one`);
    return isFont ? output.contents : output.text;
  };
  const files = Object.entries(PAGE_TYPES).map(([path, type]) => [path, { type, content: contentOf(path) }] as const);
  return { metafile, files: new Map<string, PageFile>(files) };
}

/** Name of the page's file in the npm package, where it is beside many others. */
const PACKAGED_PAGE = "ui.html";

/** Writes the page into a directory of the npm package. */
export async function writeUi(directory: string, { files }: UiBundle): Promise<void> {
  for (const [path, { content }] of files) await writeFile(join(directory, path || PACKAGED_PAGE), content);
}

/** Source of the module that reads those files, in place of src/cli/page/page-files.ts. */
export const PACKAGED_PAGE_FILES = `import { readFileSync } from "node:fs";
  const read = (name) => readFileSync(new URL(name, import.meta.url));
  export const readPageFiles = async () => new Map(Object.entries(${JSON.stringify(PAGE_TYPES)}).map(([path, type]) =>
    [path, { type, content: read("./" + (path || "${PACKAGED_PAGE}")) }]));`;
