// Synchronous file access for the serving process. Its volumes are in memory (emptyDir with medium Memory) and hold a
// few kilobytes, which are read in microseconds; node:fs/promises would cost that process half a megabyte for its
// lifetime.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Returns the file's text, or undefined if there is no file or a directory is in its place. Throws any other
 * error of the file system.
 */
export function readMemoryFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR") return undefined;
    throw error;
  }
}

/**
 * Replaces the file in one step: readers see the old content or the new one. `mode` applies whatever the umask is. A
 * directory in the place of the file is removed: podrole's containers alone write to its volumes.
 */
export function replaceMemoryFile(path: string, content: string, mode: number): void {
  const temporary = `${path}.tmp`;
  // A killed process may have left one with another mode, so it is removed and never written to.
  rmSync(temporary, { force: true, recursive: true });
  writeFileSync(temporary, content, { flag: "wx" });
  // Not the mode option of writeFileSync: the umask removes bits from that.
  chmodSync(temporary, mode);
  try {
    renameSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    rmSync(path, { recursive: true });
    renameSync(temporary, path);
  }
}

/** Removes the file if it exists. */
export function removeMemoryFile(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Creates the directory with `mode`. An existing directory keeps its mode: the kubelet creates those of subPath mounts.
 */
export function makeMemoryDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  chmodSync(path, mode);
}
