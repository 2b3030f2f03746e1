// Stand-in for src/runtime/files.ts: files are in the simulated volumes.
import { currentWorld } from "../surroundings.ts";

export async function writeAtomically(path: string, content: string): Promise<void> {
  currentWorld().volumes.write(path, content);
}

export async function readIfPresent(path: string): Promise<string | undefined> {
  return currentWorld().volumes.read(path);
}
