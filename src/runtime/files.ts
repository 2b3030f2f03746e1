// Files that others read while we write them: written aside, synced, renamed. Readers see the old or the new content.
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

/**
 * Replaces `path` in one step. `mode` is the file's permission from its first moment on (0600 for anything with a key).
 * The temporary file stands in the same directory, because rename is atomic only within one file system.
 */
export async function writeAtomically(path: string, content: string, mode: number): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(aside, "wx", mode);
    try {
      // The umask may have taken bits away that a reader of another uid needs.
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** The file's text, or undefined when it does not exist. Other errors are thrown. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
