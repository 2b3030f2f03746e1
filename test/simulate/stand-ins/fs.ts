// Stand-in for the functions of node:fs/promises that prepare the identity directory: every file is one, and readable.
import { currentWorld } from "../surroundings.ts";

export { constants } from "node:fs";

export async function access(): Promise<void> {}

export async function readdir(directory: string) {
  return currentWorld()
    .volumes.list(directory)
    .map((name) => ({ name, isFile: () => true }));
}

export async function rm(path: string): Promise<void> {
  currentWorld().volumes.remove(path);
}
