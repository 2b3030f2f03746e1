// The sources as text, for the tests that compare pages and rules with them.
import { globSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT, readText } from "../files.ts";

/** Hand-written sources below a folder, by path from the root. */
export function readSources(folder: string): ReadonlyMap<string, string> {
  const paths = globSync(`${folder}/**/*.ts`, { cwd: ROOT }).toSorted();
  const written = paths.filter((path) => !path.includes("/generated/") && !path.endsWith(".d.ts"));
  return new Map(written.map((path) => [path, readText(path)]));
}

export interface Import {
  readonly from: string;
  /** Path from the root for a file of podrole, otherwise the module's name. */
  readonly to: string;
  /** True for `import type`, which does not exist at run time. */
  readonly typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]+?\sfrom\s+)?["']([^"']+)["'];?/gm;
const CALL = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** Returns every import, re-export and import() of the sources. */
export function importsOf(sources: ReadonlyMap<string, string>): readonly Import[] {
  return [...sources].flatMap(([from, text]) => {
    const target = (module: string) => (module.startsWith(".") ? normalize(join(dirname(from), module)) : module);
    const stated = [...text.matchAll(STATEMENT)].map(([, type, module = ""]) => ({
      from,
      to: target(module),
      typeOnly: type !== undefined,
    }));
    const called = [...text.matchAll(CALL)].map(([, module = ""]) => ({ from, to: target(module), typeOnly: false }));
    return stated.concat(called);
  });
}
