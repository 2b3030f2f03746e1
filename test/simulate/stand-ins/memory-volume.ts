// Stand-in for src/sidecar/files/memory-volume.ts: files are in the simulated volumes.
import { currentWorld } from "../surroundings.ts";

export function readMemoryFile(path: string): string | undefined {
  return currentWorld().volumes.read(path);
}

export function replaceMemoryFile(path: string, content: string): void {
  currentWorld().volumes.write(path, content);
}

export function removeMemoryFile(path: string): void {
  currentWorld().volumes.remove(path);
}

export function makeMemoryDirectory(): void {}
