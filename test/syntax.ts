// The compiler's own syntax tree of sources, for tests that check how code is written.

import type { SourceFile } from "typescript/unstable/ast";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";

/** Parses files in memory, without types or libraries. */
export function* parseFiles(files: readonly (readonly [path: string, text: string])[]): Iterable<[string, SourceFile]> {
  const config = JSON.stringify({
    compilerOptions: { noLib: true, noResolve: true, types: [] },
    files: files.map(([path]) => path),
  });
  const fs = createVirtualFileSystem(
    Object.fromEntries([["/tsconfig.json", config], ...files.map(([path, text]) => [`/${path}`, text])]),
  );
  const api = new API({ cwd: "/", fs });
  try {
    const project = api.updateSnapshot({ openProject: "/tsconfig.json" }).getProject("/tsconfig.json");
    for (const [path] of files) {
      const file = project?.program.getSourceFile(`/${path}`);
      if (file === undefined) throw new TypeError(`Cannot parse ${path}: the compiler did not load it`);
      yield [path, file];
    }
  } finally {
    api.close();
  }
}
