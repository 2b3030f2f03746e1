// Files that other processes read while this one writes them. A write goes to a temporary file that is synced and
// renamed: readers see either the old or the new content.
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

/**
 * Replaces the content of `path` in one step. `mode` is the file's permission from the start (0600 for anything with a
 * key). The temporary file is in the same directory, because rename is atomic only within one file system. Throws the
 * system's error and then leaves no temporary file behind.
 */
export async function writeAtomically(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      // The umask may have removed bits that a reader with another uid needs.
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Returns the file's text, or undefined if it does not exist. Throws every other system error. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
