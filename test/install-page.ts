// Reads the blocks of commands in docs/install.md and docs/platforms.md, and the mark above each, which says what runs
// it.

export interface Block {
  /** Text of the comment above the block; undefined without a comment. */
  readonly mark: string | undefined;
  readonly commands: string;
}

/**
 * Returns docs/install.md with `<!-- blocks of PAGE -->` replaced by that page. `read` returns the text of a page of
 * docs/.
 */
export function installPages(read: (page: string) => string): string {
  return read("install.md").replaceAll(/^<!-- blocks of ([\w.-]+) -->$/gm, (_mark, page: string) => read(page));
}

export function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/(?:^<!-- ([^\n]*) -->\n)?^```console\n(.*?)^```$/gms)].map(([, mark, commands = ""]) => ({
    mark,
    commands,
  }));
}
