// What a build of one program wrote, and from what.
import { join, relative } from "node:path";
import type { Metafile } from "esbuild";
import { ROOT } from "./root.ts";

/** The files of a bundle and the sources in them. */
export interface Bundle {
  /** Sizes of the written files in bytes, by name. */
  readonly sizes: Readonly<Record<string, number>>;
  /**
   * esbuild's record of each output and its inputs; paths are relative to the root.
   * (https://esbuild.github.io/api/#metafile)
   */
  readonly metafile: Metafile;
}

/** Returns the files of which a bundle has at least one byte, relative to the root, sorted. */
export function bundledFiles({ metafile }: Bundle): readonly string[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return [...new Set(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file))].sort();
}

/** Returns the sizes of a metafile's outputs, by name relative to the directory of the bundle. */
export function sizesOf({ outputs }: Metafile, directory: string): Readonly<Record<string, number>> {
  const names = Object.entries(outputs).map(([file, { bytes }]) => [relative(directory, join(ROOT, file)), bytes]);
  return Object.fromEntries(names) as Record<string, number>;
}
