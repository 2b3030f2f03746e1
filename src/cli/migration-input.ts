// The input of podrole migrate: files as the flags name them, or the cluster.
import type { InputDeps, InputSource } from "../operations/migrate/input/read-input.ts";
import type { InputArguments } from "./arguments/migrate.ts";
import { withCluster } from "./cluster.ts";
import { type Terminal, writeNote } from "./terminal.ts";

/** Runs `use` with the input and what reads it; the cluster is closed afterwards. `use` returns the exit code. */
export function withMigrationInput(
  terminal: Terminal,
  topic: string,
  { paths, namespace, connection }: InputArguments,
  use: (deps: InputDeps, input: InputSource) => Promise<number>,
): Promise<number> {
  const deps: InputDeps = {
    readStdin: terminal.readStdin,
    onProgress: ({ count, resource }) => writeNote(terminal, `migrate ${topic}`, `read ${count} ${resource}`),
  };
  if (paths !== undefined) return use(deps, { from: "files", paths, namespace });
  return withCluster(terminal, `migrate ${topic}`, connection, (kubernetes) =>
    use(deps, { from: "cluster", kubernetes, namespace }),
  );
}
