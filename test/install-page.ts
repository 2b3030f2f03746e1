// Blocks of commands in docs/install.md and docs/platforms.md, and the mark above each: who runs it.

export interface Block {
  /** What the comment above says; undefined without one. */
  readonly mark: string | undefined;
  readonly commands: string;
}

/** docs/install.md with the pages whose blocks it names in their place. `read` returns the text of a page of docs/. */
export function installPages(read: (page: string) => string): string {
  return read("install.md").replaceAll(/^<!-- blocks of ([\w.-]+) -->$/gm, (_mark, page: string) => read(page));
}

export function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/(?:^<!-- ([^\n]*) -->\n)?^```console\n(.*?)^```$/gms)].map(([, mark, commands = ""]) => ({
    mark,
    commands,
  }));
}
