// The memory volumes of all pods, by path. Reads and writes take no time; a volume ends with its pod.

/** Files by path; directories exist as soon as they have been made. */
export interface Volumes {
  read(path: string): string | undefined;
  write(path: string, content: string): void;
  /** Returns what `decode` makes of the file, which it does once for each content; undefined without the file. */
  decoded<Value>(path: string, decode: (content: string) => Value): Value | undefined;
  remove(path: string): void;
  /** Names of the files of a directory. */
  list(directory: string): readonly string[];
  /** A file whose content is computed at each read. */
  provide(path: string, content: () => string | undefined): void;
  /** Removes everything below the path. */
  clear(prefix: string): void;
  /** Number of files. */
  size(): number;
  /** Called for each list(), which every renewal begins with. */
  onList: (directory: string) => void;
}

/** Creates volumes without files. */
export function createVolumes(): Volumes {
  const contents = new Map<string, string>();
  /** Names of the files by directory. */
  const directories = new Map<string, Set<string>>();
  const decodings = new Map<string, { readonly content: string; readonly value: unknown }>();
  const provided = new Map<string, () => string | undefined>();

  function split(path: string): readonly [string, string] {
    const at = path.lastIndexOf("/");
    return [path.slice(0, at), path.slice(at + 1)];
  }

  const volumes: Volumes = {
    read: (path) => contents.get(path) ?? provided.get(path)?.(),
    write(path, content) {
      if (!contents.has(path)) {
        const [directory, name] = split(path);
        const names = directories.get(directory) ?? new Set<string>();
        directories.set(directory, names.add(name));
      }
      contents.set(path, content);
    },
    decoded<Value>(path: string, decode: (content: string) => Value) {
      const content = volumes.read(path);
      if (content === undefined) return undefined;
      const known = decodings.get(path);
      if (known?.content === content) return known.value as Value;
      const value = decode(content);
      decodings.set(path, { content, value });
      return value;
    },
    remove(path) {
      if (!contents.delete(path)) return;
      decodings.delete(path);
      const [directory, name] = split(path);
      directories.get(directory)?.delete(name);
    },
    list(directory) {
      volumes.onList(directory);
      return [...(directories.get(directory) ?? [])];
    },
    provide(path, content) {
      provided.set(path, content);
    },
    clear(prefix) {
      for (const [directory, names] of directories) {
        if (!directory.startsWith(prefix)) continue;
        directories.delete(directory);
        for (const name of names) {
          contents.delete(`${directory}/${name}`);
          decodings.delete(`${directory}/${name}`);
        }
      }
      for (const path of provided.keys()) if (path.startsWith(prefix)) provided.delete(path);
    },
    size: () => contents.size,
    onList() {},
  };
  return volumes;
}
