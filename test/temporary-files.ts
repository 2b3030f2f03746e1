// Files of one test, below the system's folder for temporary files. They exist until the test, or the suite, has ended.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a test or a suite does when it has ended: a TestContext, or `{ after }` of node:test in a suite or a file. */
export interface TestScope {
  after(end: () => void | Promise<void>): void;
}

/** Creates an empty directory. */
export function createTemporaryDirectory(scope: TestScope): string {
  const directory = mkdtempSync(join(tmpdir(), "podrole-test-"));
  scope.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes a file of mode 0600 into a directory of its own, and returns its path. */
export function writeTemporaryFile(scope: TestScope, name: string, content: string | Uint8Array): string {
  const path = join(createTemporaryDirectory(scope), name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}
