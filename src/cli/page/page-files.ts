// The files of the page of podrole ui. A checkout bundles them when the command starts; the npm package contains them,
// and has a module of its own in place of this one (scripts/build-command-line.ts).

/** One file as it is served. */
export interface PageFile {
  /** Content-Type. */
  readonly type: string;
  readonly content: string | Uint8Array;
}

/** Returns the files by path; the page itself has the path "". */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const { bundleUi } = await import("../../../scripts/build-ui.ts");
  return (await bundleUi()).files;
}
