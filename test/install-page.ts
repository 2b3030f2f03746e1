// Blocks of commands in docs/install.md, and the mark above each: who runs it.

export interface Block {
  /** What the comment above says; undefined without one. */
  readonly mark: string | undefined;
  readonly commands: string;
}

export function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/(?:^<!-- ([^\n]*) -->\n)?^```console\n(.*?)^```$/gms)].map(([, mark, commands = ""]) => ({
    mark,
    commands,
  }));
}
