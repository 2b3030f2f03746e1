// The memory volumes of all pods, by path. Reads and writes take no time; a volume ends with its pod.

/** Files by path; directories exist as soon as they have been made. */
export interface Volumes {
  read(path: string): string | undefined;
  write(path: string, content: string): void;
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
  const directories = new Map<string, Map<string, string>>();
  const provided = new Map<string, () => string | undefined>();

  function split(path: string): readonly [string, string] {
    const at = path.lastIndexOf("/");
    return [path.slice(0, at), path.slice(at + 1)];
  }

  const volumes: Volumes = {
    read(path) {
      const [directory, name] = split(path);
      return directories.get(directory)?.get(name) ?? provided.get(path)?.();
    },
    write(path, content) {
      const [directory, name] = split(path);
      const files = directories.get(directory) ?? new Map<string, string>();
      directories.set(directory, files.set(name, content));
    },
    remove(path) {
      const [directory, name] = split(path);
      directories.get(directory)?.delete(name);
    },
    list(directory) {
      volumes.onList(directory);
      return [...(directories.get(directory)?.keys() ?? [])];
    },
    provide(path, content) {
      provided.set(path, content);
    },
    clear(prefix) {
      for (const directory of directories.keys()) if (directory.startsWith(prefix)) directories.delete(directory);
      for (const path of provided.keys()) if (path.startsWith(prefix)) provided.delete(path);
    },
    size: () => directories.values().reduce((sum, files) => sum + files.size, 0),
    onList() {},
  };
  return volumes;
}
